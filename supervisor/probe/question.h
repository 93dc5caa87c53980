/* supervisor/probe/question.h
 *
 * What the controller asks a provider account, addressed and signed as a worker does it. Pure.
 */
#ifndef SUPERVISOR_PROBE_QUESTION_H
#define SUPERVISOR_PROBE_QUESTION_H

#include "shared/snapshot/address.h"

#include "supervisor/outbound/outbound.h"

/* The smallest chat with MODEL, which may cost something. */
void question_of_model(struct outbound_question *ret, const struct snapshot *snapshot,
                       const struct snapshot_provider *provider,
                       const struct snapshot_target *model, struct arena *arena);
/* The list of models, or PATH when it is there; costs nothing. False: the account has no such
 * list, or is not reached over the network, and *RET is empty (outbound_question_done all the
 * same). */
bool question_of_list(struct outbound_question *ret, const struct snapshot *snapshot,
                      const struct snapshot_provider *provider, struct span path,
                      struct arena *arena);

#endif
