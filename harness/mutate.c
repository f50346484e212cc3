/* mutate.c: mutations of inputs. */
#include "mutate.h"

#include <string.h>

#define MUTATIONS_MAX 4u /* at once; fewer are more likely */
#define OCCURRENCES 4u   /* of a read that a new constraint is about: one of the first */

static struct constraint draw_constraint(const struct mutation_material *material, struct rng *rng)
{
    struct reads_from pair = material->pairs[rng_below(rng, material->pair_count)];
    if (rng_below(rng, 4) == 0) /* a read that has not yet been seen to read that */
        pair.write = material->pairs[rng_below(rng, material->pair_count)].write;
    return (struct constraint){
        .write = pair.write,
        .read = pair.read,
        .occurrence = (uint8_t)(rng_below(rng, 2) ? 0 : rng_below(rng, OCCURRENCES)),
        .negative = rng_below(rng, 2),
    };
}

static void delete_constraint(struct input *input, uint32_t index)
{
    memmove(&input->constraints[index], &input->constraints[index + 1],
            (--input->constraint_count - index) * sizeof input->constraints[0]);
}

static void mutate_constraints(struct input *input, const struct mutation_material *material,
                               struct rng *rng)
{
    uint32_t what = rng_below(rng, 4);
    uint32_t count = input->constraint_count;
    uint32_t index = count > 0 ? rng_below(rng, count) : 0;
    bool full = count >= MUTATE_CONSTRAINTS_MAX;
    if ((what == 0 || count == 0) && !full && material->pair_count > 0)
        input->constraints[input->constraint_count++] = draw_constraint(material, rng);
    else if (count > 0 && (what == 0 || what == 1))
        delete_constraint(input, index);
    else if (count > 0 && what == 2 && material->pair_count > 0)
        input->constraints[index] = draw_constraint(material, rng);
    else if (count > 0)
        input->constraints[index].negative ^= true;
}

static void mutate_answers(struct input *input, struct rng *rng)
{
    uint32_t what = rng_below(rng, 4), count = input->answer_count;
    uint32_t index = count > 0 ? rng_below(rng, count) : 0;
    if (what == 0 && count < ANSWERS_MAX) {
        memmove(&input->answers[index + 1], &input->answers[index], count - index);
        input->answers[index] = (uint8_t)rng_next(rng);
        input->answer_count++;
    } else if (what == 1 && count > 0) {
        memmove(&input->answers[index], &input->answers[index + 1], count - index - 1);
        input->answer_count--;
    } else if (count > 0) {
        input->answers[index] = (uint8_t)rng_next(rng);
    }
}

void mutate(struct input *input, const struct mutation_material *material, struct rng *rng)
{
    uint32_t times = 1;
    while (times < MUTATIONS_MAX && rng_below(rng, 2))
        times++;
    for (; times > 0; times--)
        if (input->answer_count > 0 && rng_below(rng, 3) == 0)
            mutate_answers(input, rng);
        else
            mutate_constraints(input, material, rng);
    input->seed = rng_next(rng);
}

struct input mutate_cross(const struct input *a, const struct input *b, struct rng *rng)
{
    struct input child = *a;
    child.seed = rng_next(rng);
    if (rng_below(rng, 2)) {
        memcpy(child.answers, b->answers, sizeof child.answers);
        child.answer_count = b->answer_count;
    }
    for (uint32_t i = 0; i < b->constraint_count; i++)
        if (rng_below(rng, 2) && child.constraint_count < MUTATE_CONSTRAINTS_MAX)
            child.constraints[child.constraint_count++] = b->constraints[i];
    return child;
}
