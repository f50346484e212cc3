/* report.c: verdicts and findings, for people and as JSON. */
#include "report.h"

#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "keep.h"
#include "table.h"

json_t *report_verdicts_json(const struct tally *tally)
{
    json_t *counts = json_object();
    for (uint32_t i = 0; i < TREADLE_VERDICT_COUNT; i++)
        if (tally->verdicts[i] > 0)
            json_object_set_new(counts, verdict_name((enum treadle_verdict)i),
                                json_integer((json_int_t)tally->verdicts[i]));
    return counts;
}

json_t *report_findings_json(const char *directory, const struct treadle_target *target,
                             const struct finding_list *list)
{
    json_t *paths = json_array();
    for (uint32_t i = 0; i < list->count; i++) {
        char path[4096];
        keep_path(directory, target, &list->items[i].finding, path, sizeof path);
        if (list->items[i].kept)
            json_array_append_new(paths, command_json_text(path));
    }
    return paths;
}

json_t *report_go_json(const struct treadle_target *target, uint64_t count)
{
    return target->go_semantics ? json_integer((json_int_t)count) : json_null();
}

json_t *report_error_json(const char *error)
{
    return error[0] != '\0' ? command_json_text(error) : json_null();
}

void report_print_verdicts(const struct treadle_target *target, const struct tally *tally)
{
    int column = 0;
    for (uint32_t i = TREADLE_OK + 1; i < TREADLE_VERDICT_COUNT; i++) {
        if (tally->verdicts[i] == 0)
            continue;
        char item[64], count[16];
        table_number((double)tally->verdicts[i], count, sizeof count);
        int length = snprintf(item, sizeof item, "%s%s %s", target->expects >> i & 1 ? "" : "! ",
                              verdict_name((enum treadle_verdict)i), count);
        if (column > 0 && column + 2 + length > 46) {
            printf(",\n%52s", "");
            column = 0;
        }
        column += printf("%s%s", column > 0 ? ", " : "", item);
    }
    putchar('\n');
}

bool report_is_unexpected(const struct treadle_target *target, const struct tally *tally)
{
    return (tally_seen(tally) & ~target->expects) != 0;
}
