/* junit.c: JUnit XML by libxml2's writer. The number of cases stands in the first line, so the
 * cases are collected in memory and written at the end. */
#include "junit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlwriter.h>

#include "../scheduler/check.h"

struct junit {
    FILE *file;
    xmlBufferPtr cases;
    xmlTextWriterPtr writer;
    unsigned tests, failures, errors;
};

struct junit *junit_create(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return NULL;
    struct junit *junit = calloc(1, sizeof *junit);
    CHECK(junit != NULL, ==, true);
    junit->file = file;
    junit->cases = xmlBufferCreate();
    junit->writer = xmlNewTextWriterMemory(junit->cases, 0);
    CHECK(junit->writer != NULL, ==, true);
    xmlTextWriterSetIndent(junit->writer, 1);
    return junit;
}

/* A copy, to be freed, in which what is no character of XML has become '?'. */
static char *junit_text(const char *text)
{
    char *copy = strdup(text);
    CHECK(copy != NULL, ==, true);
    bool unicode = xmlCheckUTF8(BAD_CAST text);
    for (char *byte = copy; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || ((unsigned char)*byte >= 0x80 && !unicode))
            *byte = '?';
    return copy;
}

void junit_add(struct junit *junit, const char *name, const char *message, bool error)
{
    if (junit == NULL)
        return;
    char *name_text = junit_text(name);
    char *message_text = message != NULL ? junit_text(message) : NULL;
    junit->tests++;
    xmlTextWriterStartElement(junit->writer, BAD_CAST "testcase");
    xmlTextWriterWriteAttribute(junit->writer, BAD_CAST "classname", BAD_CAST "treadle.replay");
    xmlTextWriterWriteAttribute(junit->writer, BAD_CAST "name", BAD_CAST name_text);
    if (message != NULL) {
        *(error ? &junit->errors : &junit->failures) += 1;
        xmlTextWriterStartElement(junit->writer, BAD_CAST(error ? "error" : "failure"));
        xmlTextWriterWriteAttribute(junit->writer, BAD_CAST "message",
                                    BAD_CAST message_text);
        xmlTextWriterEndElement(junit->writer);
    }
    xmlTextWriterEndElement(junit->writer);
    free(name_text);
    free(message_text);
}

int junit_finish(struct junit *junit)
{
    if (junit == NULL)
        return 0;
    xmlTextWriterFlush(junit->writer);
    fprintf(junit->file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"treadle replay\" tests=\"%u\" failures=\"%u\" errors=\"%u\">\n%s"
            "</testsuite>\n",
            junit->tests, junit->failures, junit->errors,
            (const char *)xmlBufferContent(junit->cases));
    int failed = ferror(junit->file);
    int cause = errno;
    if (fclose(junit->file) != 0) {
        cause = errno;
        failed = 1;
    }
    xmlFreeTextWriter(junit->writer);
    xmlBufferFree(junit->cases);
    free(junit);
    errno = cause;
    return failed != 0 ? -1 : 0;
}
