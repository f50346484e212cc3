/* command_list.c: `treadle list`. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../scheduler/execution.h"
#include "../scheduler/target.h"
#include "command.h"

static json_t *verdict_names(uint64_t verdicts)
{
    json_t *names = json_array();
    for (uint32_t i = TREADLE_OK + 1; i < TREADLE_VERDICT_COUNT; i++)
        if (verdicts >> i & 1)
            json_array_append_new(names, json_string(verdict_name((enum treadle_verdict)i)));
    return names;
}

static uint64_t required_verdicts(const struct treadle_target *target)
{
    uint64_t verdicts = 0;
    for (uint32_t i = 0; i < target->requirement_count; i++)
        verdicts |= UINT64_C(1) << target->requires[i].verdict;
    return verdicts;
}

static int print_json(void)
{
    json_t *targets = json_array();
    for (uint32_t i = 0; i < target_count(); i++) {
        const struct treadle_target *target = target_at(i);
        json_array_append_new(
            targets, json_pack("{s:s, s:s, s:o, s:o, s:b}", "target", target->name, "description",
                               target->description != NULL ? target->description : "", "expects",
                               verdict_names(target->expects), "requires",
                               verdict_names(required_verdicts(target)), "sound",
                               target->expects == 0));
    }
    return command_print_json(json_pack("{s:o}", "targets", targets));
}

/* Prints words up to column 100, going on at the indent. */
static void print_wrapped(const char *text, int indent)
{
    int column = indent;
    while (*text != '\0') {
        int word = (int)strcspn(text, " ");
        if (column > indent && column + 1 + word > 98) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_requirement(const struct treadle_requirement *requirement, bool first)
{
    if (first)
        printf("%28smust show: ", "");
    else
        printf(",\n%39s", "");
    printf("%s%s", verdict_name(requirement->verdict), requirement->silent ? ", silently" : "");
    if (requirement->rule != NULL)
        printf(" (%s)", requirement->rule);
}

static void print_table(void)
{
    for (uint32_t i = 0; i < target_count(); i++) {
        const struct treadle_target *target = target_at(i);
        printf("%-27s ", target->name);
        print_wrapped(target->description != NULL ? target->description : "", 28);
        for (uint32_t r = 0; r < target->requirement_count; r++)
            print_requirement(&target->requires[r], r == 0);
        if (target->requirement_count > 0)
            putchar('\n');
    }
}

static int run(int argument_count, char **arguments)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
    bool json = false;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argument_count, arguments, "", options, NULL)) != -1;) {
        if (option != 'j')
            return command_unknown_option(&command_list, arguments);
        json = true;
    }
    if (optind < argument_count)
        return command_misuse(&command_list, "takes no argument %s", arguments[optind]);
    if (json)
        return print_json();
    print_table();
    return 0;
}

const struct command command_list = {
    .name = "list",
    .usage = "[--json]",
    .summary = "Lists the targets and what each must show",
    .help = "\nA target that must show nothing and expects nothing is sound: any finding is an error.\n"
            "\nExample:\n  treadle list --json | jq -r '.targets[] | select(.sound) | .target'\n",
    .run = run,
};
