/* command_corpus.c: `treadle corpus`: inputs of fuzzing engines (input.h) made readable, made into
 * schedules, and made of schedules. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scheduler/abstract.h"
#include "../scheduler/check.h"
#include "../scheduler/scheduler.h"
#include "../scheduler/target.h"
#include "command.h"
#include "describe.h"
#include "folder.h"
#include "input.h"
#include "oracle.h"
#include "places.h"
#include "replay.h"
#include "shrink_finding.h"

#define PATH_BYTES 4096
#define TRIED 200u        /* executions of an imported input, to see how often it does it again */
#define NAMING_EXECUTIONS 50u

/* ---- files ----------------------------------------------------------------------------------- */

/* An input from a file: all of it that means something. */
static bool read_input(const char *path, struct input *ret_input)
{
    uint8_t bytes[INPUT_BYTES_MAX];
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    size_t count = fread(bytes, 1, sizeof bytes, in);
    bool fine = !ferror(in);
    int cause = errno;
    fclose(in);
    errno = cause;
    *ret_input = input_decode(bytes, count);
    return fine;
}

/* Calls each(context, path) for a file, or for the files of a folder by name; the worst exit
 * code. */
static int for_files(const char *path, int (*each)(void *context, const char *path), void *context)
{
    struct dirent **entries;
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return each(context, path);
    int count = scandir(path, &entries, NULL, alphasort), code = 0;
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES];
        snprintf(file, sizeof file, "%.3800s/%.255s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(file, &status) == 0 && S_ISREG(status.st_mode)) {
            int one = each(context, file);
            code = one > code ? one : code;
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return code;
}

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "treadle corpus: %.200s: %s\n", path, what);
    return EXIT_USAGE;
}

/* ---- show ------------------------------------------------------------------------------------ */

/* What abstract events are called, by some that were seen. */
struct shown_names {
    const struct treadle_target *target;
    char (*texts)[DESCRIBE_BYTES]; /* 65536 of them, or NULL; empty where none was seen */
};

static void name_events(struct shown_names *names)
{
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        char *text = names->texts[abstract_event(event->pc, event->goroutine)];
        const char *role = scheduler.goroutines[event->goroutine].role;
        char place[DESCRIBE_BYTES];
        if (text[0] != '\0' || event_effect(event) == 0)
            continue;
        describe_anchor(event, i, place, sizeof place);
        char *number = strrchr(place, '#'); /* which one it was means nothing here */
        if (number != NULL && number > place)
            number[-1] = '\0';
        snprintf(text, DESCRIBE_BYTES, "%.40s: %.140s", role != NULL ? role : "goroutine", place);
    }
}

/* Executes the target a few times, to know what its events are called. */
static bool learn_names(struct shown_names *names)
{
    const char *rule;
    struct scheduler_options options = { 0 };
    names->texts = calloc(65536, sizeof *names->texts);
    CHECK(names->texts != NULL, ==, true);
    places_use();
    if (scheduler_open(names->target, &options, &rule) != TREADLE_OK)
        return false;
    abstract_begin();
    struct strategy strategy = strategy_pos();
    for (uint32_t i = 0; i < NAMING_EXECUTIONS && !scheduler_crashed(); i++) {
        scheduler_run(&strategy, i);
        name_events(names);
    }
    return true;
}

static void print_event(const struct shown_names *names, uint16_t abstract)
{
    if (abstract == 0)
        printf("the set-up");
    else if (names->texts[abstract][0] != '\0')
        printf("%s", names->texts[abstract]);
    else
        printf("event %04x", abstract);
}

static int show(void *context, const char *path)
{
    const struct shown_names *names = context;
    struct input input;
    if (!read_input(path, &input))
        return complain(path, strerror(errno));
    printf("%s\n  seed %016llx\n", path, (unsigned long long)input.seed);
    if (input.answer_count > 0)
        printf("  answers");
    for (uint32_t i = 0; i < input.answer_count; i++)
        printf(" %u", input.answers[i]);
    if (input.answer_count > 0)
        putchar('\n');
    for (uint32_t i = 0; i < input.constraint_count; i++) {
        const struct constraint *constraint = &input.constraints[i];
        printf("  ");
        print_event(names, constraint->read);
        printf(", time %u\n    %s ", constraint->occurrence + 1u,
               constraint->negative ? "must not see" : "must see");
        print_event(names, constraint->write);
        putchar('\n');
    }
    return 0;
}

/* ---- export ---------------------------------------------------------------------------------- */

struct exporting {
    const struct treadle_target *target;
    const char *directory;
    struct input input;
};

/* Executes the input as engines do first. */
static const struct verdict_record *execute_input(const void *context)
{
    const struct exporting *exporting = context;
    struct scheduler_options options = { 0 };
    static struct constrained constrained;
    const char *rule;
    if (scheduler_open(exporting->target, &options, &rule) != TREADLE_OK)
        return NULL;
    constrained.input = &exporting->input;
    struct strategy strategy = strategy_constrained(&constrained);
    scheduler_run(&strategy, rng_mix(exporting->input.seed));
    oracle_judge();
    return execution.verdict_count > 0 ? &execution.verdicts[0] : NULL;
}

static int export_one(void *context, const char *path)
{
    struct exporting *exporting = context;
    const struct shrink_request request = { .execute = execute_input, .context = exporting };
    struct shrink_report report;
    char temporary[PATH_BYTES], final[PATH_BYTES], error[300];
    if (!read_input(path, &exporting->input))
        return complain(path, strerror(errno));
    snprintf(temporary, sizeof temporary, "%.2000s/%.1000s/%d.new", exporting->directory,
             exporting->target->name, (int)getpid());
    if (folder_make_above(temporary) != 0)
        return complain(temporary, strerror(errno));
    int code = shrink_finding(&request, temporary, &report);
    if (code == SHRINK_DIFFERENT) {
        printf("%s: shows nothing\n", path);
        return 0;
    }
    if (code != SHRINK_WROTE)
        return complain(path, code > SHRINK_ERRNO ? strerror(code - SHRINK_ERRNO)
                                                  : "it cannot be executed");
    struct schedule *schedule = schedule_load(temporary, error, sizeof error);
    if (schedule == NULL) {
        unlink(temporary);
        return complain(path, error);
    }
    snprintf(final, sizeof final, "%.2000s/%.1000s/%s-%016llx.sched", exporting->directory,
             exporting->target->name, verdict_name(schedule->verdict),
             (unsigned long long)schedule->fingerprint);
    schedule_destroy(schedule);
    if (rename(temporary, final) != 0) {
        unlink(temporary);
        return complain(final, strerror(errno));
    }
    printf("%s: %s\n", path, final);
    return 0;
}

/* ---- import ---------------------------------------------------------------------------------- */

/* Whether the event writes what `read` reads. */
static bool writes_it(const struct event *event, const struct event *read)
{
    return (event_effect(event) & EVENT_WRITES) && event->kind != EVENT_COPY
           && event->kind != EVENT_FREE && read->address - event->address < event->size;
}

/* Finds the write that another goroutine has made or would make to what the event reads: as an
 * abstract event, or 0 where the read came first. False if no other one is concerned. */
static bool foreign_write(uint32_t position, uint16_t *ret_write)
{
    const struct event *read = &execution.trace[position];
    for (uint32_t i = position; i-- > 0;) {
        const struct event *event = &execution.trace[i];
        if (!writes_it(event, read))
            continue;
        *ret_write = abstract_event(event->pc, event->goroutine);
        return event->goroutine != read->goroutine;
    }
    *ret_write = 0;
    for (uint32_t i = position + 1; i < execution.trace_run_count; i++)
        if (writes_it(&execution.trace[i], read)
            && execution.trace[i].goroutine != read->goroutine)
            return true;
    return false;
}

/* How often the abstract event was executed before. */
static uint32_t occurrence_of(uint32_t position, uint16_t abstract)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < position; i++)
        count += abstract_event(execution.trace[i].pc, execution.trace[i].goroutine) == abstract;
    return count;
}

/* The execution that has been replayed as an input: its answers, and who read what from whom. */
static struct input input_of_execution(uint64_t seed)
{
    struct input input = { .seed = seed };
    for (uint32_t i = 0; i < execution.choice_count && input.answer_count < ANSWERS_MAX; i++)
        if (execution.choices[i].kind == CHOICE_DATA)
            input.answers[input.answer_count++] = (uint8_t)execution.choices[i].answer;
    for (uint32_t i = 0; i < execution.trace_run_count; i++) {
        const struct event *event = &execution.trace[i];
        bool reads = event->kind == EVENT_READ || event->kind == EVENT_ATOMIC_LOAD;
        uint16_t write, read = abstract_event(event->pc, event->goroutine);
        bool concerned = reads && foreign_write(i, &write);
        uint32_t occurrence = concerned ? occurrence_of(i, read) : 0;
        if (concerned && occurrence < 256 && input.constraint_count < CONSTRAINTS_MAX)
            input.constraints[input.constraint_count++] = (struct constraint){
                .write = write,
                .read = read,
                .occurrence = (uint8_t)occurrence,
            };
    }
    return input;
}

/* In how many of TRIED executions the input shows that finding. */
static uint32_t times_shown(const struct input *input, uint64_t fingerprint)
{
    static struct constrained constrained;
    uint32_t shown = 0;
    constrained.input = input;
    struct strategy strategy = strategy_constrained(&constrained);
    for (uint32_t i = 0; i < TRIED && !scheduler_crashed(); i++) {
        scheduler_run(&strategy, rng_mix(input->seed + i));
        oracle_judge();
        bool found = false;
        for (uint32_t v = 0; v < execution.verdict_count; v++)
            found |= describe_fingerprint(&execution.verdicts[v]) == fingerprint;
        shown += found;
    }
    return shown;
}

static int import_one(void *context, const char *path)
{
    const char *directory = context;
    char error[1024], final[PATH_BYTES];
    struct replay_result result;
    struct schedule *schedule = schedule_load(path, error, sizeof error);
    if (schedule == NULL
        || replay_schedule(path, schedule, false, &result, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        schedule_destroy(schedule);
        return EXIT_USAGE;
    }
    if (!result.matched) {
        fprintf(stderr, "%s: it does not match any more; see treadle replay\n", path);
        schedule_destroy(schedule);
        return EXIT_MISMATCH;
    }
    places_use();
    abstract_begin();
    struct input input = input_of_execution(schedule->fingerprint);
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t count = input_encode(&input, bytes);
    snprintf(final, sizeof final, "%.2000s/%.1000s/%016llx", directory, schedule->target,
             (unsigned long long)schedule->fingerprint);
    FILE *out = folder_make_above(final) == 0 ? fopen(final, "wb") : NULL;
    bool written = out != NULL && fwrite(bytes, 1, count, out) == count;
    written = out != NULL && fclose(out) == 0 && written;
    uint64_t fingerprint = schedule->fingerprint;
    schedule_destroy(schedule);
    if (!written)
        return complain(final, strerror(errno));
    if (scheduler_crashed())
        printf("%s: %s\n", path, final);
    else
        printf("%s: %s, which shows it in %u of %u executions\n", path, final,
               times_shown(&input, fingerprint), TRIED);
    return 0;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int run_on_target(const char *what, const char *directory, char **words, int count)
{
    if (count < 2)
        return command_misuse(&command_corpus, "%s wants a target and files", what);
    const struct treadle_target *target = target_find(words[0]);
    if (target == NULL)
        return command_misuse(&command_corpus, "there is no target %s", words[0]);
    struct exporting exporting = { .target = target, .directory = directory };
    struct shown_names names = { .target = target };
    bool shows = strcmp(what, "show") == 0;
    if (shows && !learn_names(&names)) {
        free(names.texts);
        return complain(target->name, "its set-up fails");
    }
    int code = 0;
    for (int i = 1; i < count; i++) {
        int one = shows ? for_files(words[i], show, &names)
                        : for_files(words[i], export_one, &exporting);
        code = one > code ? one : code;
    }
    free(names.texts);
    return code;
}

static int run(int argument_count, char **arguments)
{
    static const struct option known[] = { { "out", required_argument, NULL, 'o' }, { 0 } };
    const char *directory = NULL;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, ":o:", known, NULL)) != -1;) {
        if (option == ':')
            return command_misuse(&command_corpus, "-o wants the name of a directory");
        if (option != 'o')
            return command_unknown_option(&command_corpus, arguments);
        directory = optarg;
    }
    char **words = arguments + optind;
    int count = argument_count - optind, code = 0;
    if (count == 0)
        return command_misuse(&command_corpus, "say what to do: show, export or import");
    if (strcmp(words[0], "show") == 0 || strcmp(words[0], "export") == 0)
        return run_on_target(words[0], directory != NULL ? directory : "findings/new", words + 1,
                             count - 1);
    if (strcmp(words[0], "import") != 0)
        return command_misuse(&command_corpus, "there is no corpus %s (show, export, import)",
                              words[0]);
    if (count == 1)
        return command_misuse(&command_corpus, "import wants schedule files");
    char *place = (char *)(uintptr_t)(directory != NULL ? directory : "corpus");
    for (int i = 1; i < count; i++) {
        int one = for_files(words[i], import_one, place);
        code = one > code ? one : code;
    }
    return code;
}

const struct command command_corpus = {
    .name = "corpus",
    .usage = "show|export TARGET FILE...  |  import FILE.sched...  [-o DIR]",
    .summary = "Shows inputs of fuzzing engines, turns them into schedules and back",
    .help =
        "\nAn input is what libFuzzer and AFL++ work with: a seed, answers to the first data choices,\n"
        "and who is to read what from whom. FILE may be a folder.\n\n"
        "  show      says in words what inputs wish for\n"
        "  export    executes inputs; what shows a verdict becomes DIR/TARGET/VERDICT-....sched\n"
        "            (default findings/new)\n"
        "  import    makes inputs of schedules, DIR/TARGET/... (default corpus), and says how often\n"
        "            they show the finding again: constraints are wishes, not orders\n\n"
        "Example:\n  treadle corpus import findings/gomap/read-grow/*.sched -o /tmp/inputs\n",
    .run = run,
};
