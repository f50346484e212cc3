/* report_plots.c: what a campaign did over time, drawn. */
#include "report_plots.h"

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "image.h"
#include "table.h"

#define SCRIPT "/usr/share/javascript/dygraphs/dygraph.min.js"
#define STYLE "/usr/share/javascript/dygraphs/dygraph.min.css"
#define TABLE_ROWS 24u

static const char drawing[] =
    "(function(){\n"
    "var samples=JSON.parse(document.getElementById('samples').textContent);\n"
    "function clock(s){s=Math.floor(s);var m=Math.floor(s/60)%60,h=Math.floor(s/3600);"
    "return h+':'+('0'+m).slice(-2)+':'+('0'+s%60).slice(-2)}\n"
    "function draw(id,column,label,colour){new Dygraph(document.getElementById(id),"
    "samples.map(function(one){return [one[0],one[column]]}),{labels:['time',label],"
    "colors:[colour],strokeWidth:1.8,includeZero:true,fillGraph:true,fillAlpha:0.12,"
    "labelsKMB:true,axes:{x:{valueFormatter:clock,axisLabelFormatter:clock,pixelsPerLabel:80}}})}\n"
    "draw('features',1,'behaviours','#1f6f8b');\n"
    "draw('rate',2,'executions a second','#8a5a00');\n"
    "})();\n";

/* Puts a file into the page, so that nothing in it ends the element that holds it. */
static void put_file(FILE *out, const char *path, const char *element)
{
    struct image image = { 0 };
    if (!image_read(path, &image))
        return;
    fprintf(out, "<%s>\n", element);
    for (size_t i = 0; i < image.count; i++) {
        const char *at = (const char *)image.bytes + i;
        if (i > 0 && at[-1] == '<' && image.count - i >= 7
            && (strncasecmp(at, "/script", 7) == 0 || strncasecmp(at, "/style", 6) == 0))
            fputc('\\', out);
        fputc(image.bytes[i], out);
    }
    fprintf(out, "\n</%s>\n", element);
    free(image.bytes);
}

static bool can_plot(void)
{
    return access(SCRIPT, R_OK) == 0 && access(STYLE, R_OK) == 0;
}

void report_plots_head(FILE *out)
{
    if (!can_plot())
        return;
    put_file(out, STYLE, "style");
    put_file(out, SCRIPT, "script");
}

/* Executions a second up to a sample, since the one before. */
static double rate_at(const struct timeline *timeline, uint32_t index)
{
    struct sample before = { 0 };
    const struct sample *sample = &timeline->samples[index];
    if (index > 0)
        before = timeline->samples[index - 1];
    if (sample->executions < before.executions || sample->seconds <= before.seconds)
        return 0;
    return (double)(sample->executions - before.executions) / (sample->seconds - before.seconds);
}

static void put_plots(FILE *out, const struct timeline *timeline)
{
    fputs("<div class=plots>\n<div class=plot><h3>Behaviours seen</h3><div class=area id=features>"
          "</div></div>\n<div class=plot><h3>Executions a second</h3><div class=area id=rate></div>"
          "</div>\n</div>\n<script type=\"application/json\" id=samples>[", out);
    for (uint32_t i = 0; i < timeline->count; i++)
        fprintf(out, "%s[%.1f,%llu,%.1f]", i > 0 ? ",\n" : "", timeline->samples[i].seconds,
                (unsigned long long)timeline->samples[i].features, rate_at(timeline, i));
    fprintf(out, "]</script>\n<script>\n%s</script>\n", drawing);
}

static void put_table(FILE *out, const struct timeline *timeline)
{
    fputs("<p class=quiet>Install the package libjs-dygraphs and this is drawn.</p>\n"
          "<table id=samples><thead><tr><th class=number>after</th><th class=number>behaviours</th>"
          "<th class=number>executions a second</th></tr></thead><tbody>\n", out);
    uint32_t step = timeline->count / TABLE_ROWS + 1;
    for (uint32_t i = 0; i < timeline->count; i += step) {
        char time[32], features[32], rate[32];
        table_duration(timeline->samples[i].seconds, time, sizeof time);
        table_count((double)timeline->samples[i].features, features, sizeof features);
        table_number(rate_at(timeline, i), rate, sizeof rate);
        fprintf(out, "<tr><td class=number>%s</td><td class=number>%s</td><td class=number>%s</td>"
                     "</tr>\n", time, features, rate);
    }
    fputs("</tbody></table>\n", out);
}

void report_plots(FILE *out, const struct timeline *timeline)
{
    fputs("<h2>Over time</h2>\n", out);
    if (timeline->count == 0)
        fputs("<p>Nothing yet.</p>\n", out);
    else if (can_plot())
        put_plots(out, timeline);
    else
        put_table(out, timeline);
}
