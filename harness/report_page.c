/* report_page.c: a campaign as a page. Whatever comes from outside is escaped. */
#include "report_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../scheduler/check.h"
#include "../scheduler/target.h"
#include "campaign_turns.h"
#include "keep.h"
#include "report_plots.h"
#include "table.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1d2329;background:#fff;margin:2em auto;"
    "max-width:1500px;padding:0 1em}\n"
    "h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.15em;margin:2em 0 .5em}\n"
    "p{margin:.4em 0}.quiet{color:#66717c}.wrong{color:#b3261e;font-weight:600}\n"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "padding:.35em .6em;border-bottom:1px solid #e3e7eb}th{font-weight:600;color:#4a555f;"
    "border-bottom:2px solid #cfd6dc}\n"
    "td.name{white-space:nowrap}\n"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "code{font:12.5px ui-monospace,monospace;overflow-wrap:anywhere}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:.6em;margin:1em 0}.figures div{border:1px solid "
    "#dfe4e8;border-radius:6px;padding:.5em .9em;min-width:8em}.figures b{display:block;"
    "font-size:1.35em}\n"
    ".plots{display:flex;flex-wrap:wrap;gap:2em}.plot{flex:1 1 480px;min-width:0}"
    ".plot h3{font-size:1em;font-weight:600;margin:.2em 0}.plot .area{width:100%;height:260px}\n";

/* ---- text ------------------------------------------------------------------------------------ */

static void escape(FILE *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '>')
            fputs("&gt;", out);
        else if (byte == '&')
            fputs("&amp;", out);
        else if (byte == '"')
            fputs("&quot;", out);
        else if (byte == '\'')
            fputs("&#39;", out);
        else if (byte < ' ' || byte >= 0x7f)
            fputc('?', out); /* names of files may be anything */
        else
            fputc(byte, out);
    }
}

static void cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    escape(out, text);
    fputs("</td>", out);
}

static void cell_code(FILE *out, const char *text)
{
    fputs("<td><code>", out);
    escape(out, text);
    fputs("</code></td>", out);
}

static void cell_number(FILE *out, double number)
{
    char text[32];
    table_number(number, text, sizeof text);
    fprintf(out, "<td class=number>%s</td>", text);
}

/* "1:02:03", hours, minutes and seconds. */
static void clock_text(double seconds, char *text, size_t bytes)
{
    unsigned long long whole = seconds > 0 ? (unsigned long long)seconds : 0;
    snprintf(text, bytes, "%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60, whole % 60);
}

/* ---- findings -------------------------------------------------------------------------------- */

struct row {
    const struct treadle_target *target;
    const struct finding_kept *item;
};

static bool is_expected(const struct row *row)
{
    return row->target->expects >> row->item->finding.verdict & 1;
}

/* What a target does not expect before the rest, then by time. */
static int row_order(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    bool expected = is_expected(a);
    if (expected != is_expected(b))
        return expected ? 1 : -1;
    double first = a->item->life.found_seconds, second = b->item->life.found_seconds;
    if (first != second)
        return first < second ? -1 : 1;
    return strcmp(a->target->name, b->target->name);
}

static void put_finding(FILE *out, const struct campaign *campaign, const struct row *row)
{
    const struct finding *finding = &row->item->finding;
    char replay[2 * FOLDER_PATH_BYTES], text[64];
    clock_text(row->item->life.found_seconds, text, sizeof text);
    fprintf(out, "<tr><td class=number>%s</td><td class=name>", text);
    escape(out, row->target->name);
    fprintf(out, "</td><td class=\"name%s\">%s%s</td>", is_expected(row) ? "" : " wrong",
            is_expected(row) ? "" : "! ", verdict_name(finding->verdict));
    cell(out, row->item->life.rule);
    fprintf(out, "<td class=number>%u</td>",
            row->item->life.saved ? row->item->life.switches : finding->switches);
    if (row->item->life.saved) {
        progress_replay(campaign, row->target, finding, replay, sizeof replay);
        cell_code(out, replay);
    } else {
        cell(out, "not saved yet");
    }
    fputs("</tr>\n", out);
}

static void put_findings(FILE *out, const struct campaign *campaign,
                         const struct progress *progress)
{
    fputs("<h2>Findings: what is not expected, then the first one first</h2>\n", out);
    if (progress->now.findings == 0) {
        fputs("<p>None so far.</p>\n", out);
        return;
    }
    struct row *rows = calloc(progress->now.findings, sizeof *rows);
    CHECK(rows != NULL, ==, true);
    size_t count = 0;
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        const struct campaign_target *target = &campaign->result->targets[i];
        for (uint32_t f = 0; f < target->findings.count; f++)
            rows[count++] =
                (struct row){ target_at(target->index), &target->findings.items[f] };
    }
    CHECK(count, ==, (size_t)progress->now.findings);
    qsort(rows, count, sizeof *rows, row_order);
    fputs("<table id=findings><thead><tr><th class=number>found</th><th>target</th><th>verdict</th>"
          "<th>rule</th><th class=number>switches</th><th>see it</th></tr></thead><tbody>\n", out);
    for (size_t i = 0; i < count; i++)
        put_finding(out, campaign, &rows[i]);
    fputs("</tbody></table>\n<p class=quiet>! marks a verdict that its target does not expect."
          "</p>\n", out);
    free(rows);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void put_figure(FILE *out, const char *value, const char *name)
{
    fputs("<div><b>", out);
    escape(out, value);
    fprintf(out, "</b>%s</div>\n", name);
}

static void put_summary(FILE *out, const struct campaign *campaign,
                        const struct progress *progress)
{
    char text[64], written[64];
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(written, sizeof written, "%Y-%m-%d %H:%M:%S %Z", &parts);
    fprintf(out, "<h1>Treadle campaign: %s</h1>\n<p class=quiet>", progress->state);
    escape(out, campaign->options.directory);
    fprintf(out, ", written %s; seed %llu, memory %s, strategy ", written,
            (unsigned long long)campaign->options.plan.seed,
            memory_model_name(campaign->options.plan.memory));
    escape(out, campaign->options.strategy);
    fprintf(out, ", %u jobs</p>\n<div class=figures>\n", campaign->options.jobs);
    snprintf(text, sizeof text, "%llu", (unsigned long long)progress->now.findings);
    put_figure(out, text, "findings");
    snprintf(text, sizeof text, "%u", progress->missing);
    put_figure(out, text, "required, not yet seen");
    clock_text(progress->now.seconds, text, sizeof text);
    put_figure(out, text, "time so far");
    table_number((double)progress->now.executions, text, sizeof text);
    put_figure(out, text, "executions");
    table_number(progress->rate, text, sizeof text);
    put_figure(out, text, "executions a second");
    snprintf(text, sizeof text, "%llu", (unsigned long long)progress->features_last_hour);
    put_figure(out, text, "new behaviours in the last hour");
    if (progress->chance >= 0) {
        snprintf(text, sizeof text, progress->chance == 0 ? "0" : "%.1e", progress->chance);
        put_figure(out, text, "chance of another, per execution");
    }
    fputs("</div>\n", out);
}

static void put_missing(FILE *out, const struct campaign *campaign,
                        const struct progress *progress)
{
    fputs("<h2>Still missing</h2>\n", out);
    if (progress->missing == 0) {
        fputs("<p>Every verdict that a target must show has been seen.</p>\n", out);
        return;
    }
    fputs("<table id=missing><thead><tr><th>target</th><th>must show</th></tr></thead><tbody>\n",
          out);
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        const struct campaign_target *target = &campaign->result->targets[i];
        const struct treadle_target *known = target_at(target->index);
        for (uint32_t r = 0; r < known->requirement_count; r++) {
            char text[512];
            if (target->tally.requirements[r] > 0)
                continue;
            progress_requirement(&known->requires[r], text, sizeof text);
            fputs("<tr>", out);
            cell(out, known->name);
            cell(out, text);
            fputs("</tr>\n", out);
        }
    }
    fputs("</tbody></table>\n", out);
}

static void put_target(FILE *out, const struct campaign_target *target)
{
    const struct treadle_target *known = target_at(target->index);
    const struct tally *tally = &target->tally;
    const struct greybox *greybox = target->greybox;
    fputs("<tr>", out);
    cell(out, known->name);
    cell_number(out, (double)tally->executions);
    cell_number(out, tally->seconds > 0 ? (double)tally->executions / tally->seconds : 0);
    cell_number(out, greybox != NULL ? greybox->feature_count : 0);
    cell_number(out, greybox != NULL ? greybox->corpus.entry_count : 0);
    fputs("<td>", out);
    const char *separator = "";
    for (uint32_t i = TREADLE_OK + 1; i < TREADLE_VERDICT_COUNT; i++) {
        char count[16];
        if (tally->verdicts[i] == 0)
            continue;
        table_number((double)tally->verdicts[i], count, sizeof count);
        fprintf(out, "%s%s%s %s", separator, known->expects >> i & 1 ? "" : "! ",
                verdict_name((enum treadle_verdict)i), count);
        separator = ", ";
    }
    fputs("</td></tr>\n", out);
}

static void put_targets(FILE *out, const struct campaign *campaign)
{
    fputs("<h2>Targets</h2>\n<table id=targets><thead><tr><th>target</th><th class=number>"
          "executions</th><th class=number>a second, per core</th><th class=number>behaviours</th>"
          "<th class=number>corpus</th><th>executions by verdict</th></tr></thead><tbody>\n", out);
    for (uint32_t i = 0; i < campaign->result->target_count; i++)
        put_target(out, &campaign->result->targets[i]);
    fputs("</tbody></table>\n", out);
}

/* Of a campaign with more than one. */
static void put_engines(FILE *out, const struct campaign *campaign)
{
    if (__builtin_popcount(campaign->options.engines) < 2)
        return;
    fputs("<h2>Engines</h2>\n<table id=engines><thead><tr><th>engine</th><th class=number>time"
          "</th><th class=number>executions</th><th class=number>new behaviours</th>"
          "<th class=number>new findings</th></tr></thead><tbody>\n", out);
    for (enum campaign_engine i = 0; i < ENGINE_COUNT; i++) {
        const struct engine_account *account = &campaign->engines[i];
        char time_spent[32];
        if (!(campaign->options.engines >> i & 1))
            continue;
        clock_text(account->seconds, time_spent, sizeof time_spent);
        fputs("<tr>", out);
        cell(out, turns_engine_name(i));
        fprintf(out, "<td class=number>%s</td>", time_spent);
        cell_number(out, (double)account->executions);
        cell_number(out, (double)account->behaviours);
        cell_number(out, (double)account->findings);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n<p class=quiet>Who has found more lately gets more of the time, and "
          "nobody less than a tenth.</p>\n", out);
}

static void put_health(FILE *out, const struct campaign *campaign,
                       const struct progress *progress)
{
    fprintf(out, "<h2>Health</h2>\n<p>Runs: %llu. Processes that died over their work: %llu.</p>\n",
            (unsigned long long)campaign->runs, (unsigned long long)campaign->died);
    if (progress->unsaved > 0)
        fprintf(out, "<p>%llu findings are not saved yet.</p>\n",
                (unsigned long long)progress->unsaved);
    if (campaign->folder.troubled) {
        fputs("<p class=wrong>", out);
        escape(out, campaign->folder.trouble);
        fputs("</p>\n", out);
    }
    for (uint32_t i = 0; i < campaign->result->target_count; i++) {
        const struct campaign_target *target = &campaign->result->targets[i];
        if (target->error[0] == '\0')
            continue;
        fputs("<p class=wrong>", out);
        escape(out, target_at(target->index)->name);
        fputs(": ", out);
        escape(out, target->error);
        fputs("</p>\n", out);
    }
}

bool report_page_write(struct campaign *campaign, const struct progress *progress)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out != NULL, ==, true);
    fprintf(out, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<title>Treadle "
                 "campaign</title>\n<style>\n%s</style>\n", style);
    report_plots_head(out);
    fputs("</head>\n<body>\n", out);
    put_summary(out, campaign, progress);
    put_health(out, campaign, progress);
    put_missing(out, campaign, progress);
    put_targets(out, campaign);
    put_engines(out, campaign);
    report_plots(out, &campaign->timeline);
    put_findings(out, campaign, progress);
    fputs("</body>\n</html>\n", out);
    int failed = fclose(out);
    CHECK(failed, ==, 0);
    struct image image = { 0 };
    image_put(&image, text, bytes);
    free(text);
    bool written = folder_write(&campaign->folder, NULL, "report.html", &image);
    free(image.bytes);
    return written;
}
