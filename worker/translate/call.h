/* worker/translate/call.h
 *
 * The input of a tool call, which some dialects write as an object and some as a string that
 * holds JSON. Converted only when the target wants the other form.
 */
#ifndef WORKER_TRANSLATE_CALL_H
#define WORKER_TRANSLATE_CALL_H

#include "worker/translate/chat.h"

/* As a string: the object's own spelling, escaped; "{}" when there is nothing. The free text of
 * a custom tool as {"input": "..."}: for a target that has only functions. */
struct text call_arguments(const struct block *call, struct arena *arena);

/* As an object. Nothing, "" and null are {}. What is no JSON object becomes {"_raw": "..."}
 * (false: the caller may refuse instead); free text of a custom tool {"input": "..."}. */
bool call_input(const struct block *call, struct arena *arena, struct span *ret_object);

/* The free text of a call of a custom tool: as it stands, or the one in {"input": "..."} that a
 * provider with functions only answered; TEXT_NONE when it is no such object. */
struct text call_custom_input(const struct block *call, struct arena *arena);

#endif
