/* saved.h: schedule files that a campaign's folder holds already: none of them is lost, or replaced
 * by a worse one. */
#ifndef TREADLE_SAVED_H
#define TREADLE_SAVED_H

#include "keep.h"

/* Moves a file that has replayed to the place of its finding (struct keep_plan, move), unless one
 * that shows the same is there and no longer. What is there and is no schedule stays, and the
 * finding gets the next place; what another build of the subject wrote is set aside. */
bool saved_move(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                const char *temporary);

/* The same, but a longer one replaces a shorter one: whoever calls it knows that the execution
 * which it was made of is the better witness, and that counts. */
bool saved_replace(const struct keep_plan *plan, uint32_t target, struct finding *finding,
                   const char *temporary);

/* Takes what lies in a target's folder into the list; says which files are no schedules. Of those
 * in the list, whatever is not there is dropped, unless its choices are known. */
void saved_load(const char *directory, uint32_t target, struct finding_list *list);

/* Gives the file of a finding that is no longer among the best ones another name, PATH.surplus. */
void saved_retire(const char *directory, uint32_t target, const struct finding *finding);

/* Fills in what the file of a finding tells of it. */
void saved_describe(const char *directory, uint32_t target, const struct finding *finding,
                    struct finding_life *life);

#endif
