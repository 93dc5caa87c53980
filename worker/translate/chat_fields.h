/* worker/translate/chat_fields.h
 *
 * The table of fields (chat_fields.def), asked.
 */
#ifndef WORKER_TRANSLATE_CHAT_FIELDS_H
#define WORKER_TRANSLATE_CHAT_FIELDS_H

#include "worker/translate/chat.h"

#define CHAT_FIELD_CONFIG SPAN("g.") /* before the names of generationConfig's members */

/* Whether DIALECT has a place for FIELD at all. */
bool chat_field_known(enum chat_field field, enum dialect_id dialect);
/* What DIALECT calls FIELD, without the marks of the table; empty: nothing. */
struct span chat_field_name(enum chat_field field, enum dialect_id dialect);
/* The same, CHAT_FIELD_CONFIG before it, of a field that the table alone reads and writes;
 * empty where it has another form or none. */
struct span chat_field_plain(enum chat_field field, enum dialect_id dialect);

#endif
