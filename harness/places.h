/* places.h: places in the code by function and offset: what another build of the harness leaves as
 * it is, as subjects are compiled by one compiler (design.md). */
#ifndef TREADLE_PLACES_H
#define TREADLE_PLACES_H

/* Lets abstract.h name places so, in this process and those that it forks. Reads the program's own
 * symbols the first time. */
void places_use(void);

#endif
