/* replay_apart.c: calls this program once more. */
#define _GNU_SOURCE
#include "replay_apart.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "../scheduler/check.h"
#include "command.h"
#include "patience.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The JSON that a child prints; NULL if it is none. */
static json_t *read_answer(pid_t pid, int file)
{
    struct patience patience = { 0 };
    char block[4096];
    ssize_t got;
    size_t bytes = 0;
    char *text = NULL;
    while ((got = patience_read(pid, &patience, file, block, sizeof block)) > 0) {
        text = realloc(text, bytes + (size_t)got);
        CHECK(text != NULL, ==, true);
        memcpy(text + bytes, block, (size_t)got);
        bytes += (size_t)got;
    }
    json_t *answer = text != NULL ? json_loadb(text, bytes, 0, NULL) : NULL;
    free(text);
    return answer;
}

/* Runs this program with these arguments; returns the JSON that it prints, or NULL. */
static json_t *run_program(char *const *arguments, int *ret_code)
{
    int pipes[2], status = -1;
    struct rusage usage;
    if (pipe(pipes) != 0)
        return NULL;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive whoever waits for it */
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    close(pipes[1]);
    json_t *answer = pid > 0 ? read_answer(pid, pipes[0]) : NULL;
    close(pipes[0]);
    if (pid > 0)
        patience_wait(pid, &status, &usage);
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

json_t *replay_apart(char *const *paths, uint32_t count, int *ret_code)
{
    static char *const replay[] = { "replay", "--json", "--" };
    uint32_t word_count = 0;
    while (command_words()[word_count] != NULL)
        word_count++;
    char **arguments = calloc(word_count + COUNT(replay) + count + 1, sizeof *arguments);
    CHECK(arguments != NULL, ==, true);
    memcpy(arguments, command_words(), word_count * sizeof *arguments);
    memcpy(arguments + word_count, replay, sizeof replay);
    for (uint32_t i = 0; i < count; i++)
        arguments[word_count + COUNT(replay) + i] = paths[i];
    json_t *answer = run_program(arguments, ret_code);
    free(arguments);
    return answer;
}

bool replay_apart_matched(const json_t *answer, uint32_t index, uint64_t *ret_fingerprint,
                          uint32_t *ret_preemptions)
{
    const json_t *replay = json_array_get(json_object_get(answer, "replays"), index);
    const char *fingerprint = json_string_value(json_object_get(replay, "fingerprint"));
    if (fingerprint == NULL || !json_is_true(json_object_get(replay, "matched")))
        return false;
    *ret_fingerprint = strtoull(fingerprint, NULL, 16);
    *ret_preemptions = (uint32_t)json_integer_value(json_object_get(replay, "preemptions"));
    return true;
}
