#include "worker/limit/ticket.h"

#include "shared/base/check.h"

_Static_assert(SEGMENT_INFLIGHT <= UINT16_MAX + 1, "indexes fit 16 bits");

void places_init(struct places *places, struct segment *segment, uint32_t slot)
{
    places->segment = segment;
    places->slot = slot;
    places->taken_count = 0;
    places->high = 0;
    places->free_count = SEGMENT_INFLIGHT;
    for (uint32_t i = 0; i < SEGMENT_INFLIGHT; i++)
        places->free[i] = (uint16_t)(SEGMENT_INFLIGHT - 1 - i);
}

enum fault ticket_take(struct places *places, uint32_t exchanges_max, struct ticket *ret)
{
    if (places->free_count == 0 || places->taken_count >= exchanges_max)
        return FAULT_overloaded;
    ret->index = places->free[--places->free_count];
    ret->row = segment_inflight(places->segment, places->slot, ret->index);
    if (ret->index >= places->high) {
        places->high = ret->index + 1U;
        atomic_store(&segment_slot(places->segment, places->slot)->inflight_high, places->high);
    }
    places->taken_count++;
    return FAULT_NONE;
}

void ticket_sent(struct ticket *ticket, const struct inflight *facts)
{
    struct inflight *row = ticket->row;
    size_t head = offsetof(struct inflight, provider_len);
    size_t end = offsetof(struct inflight, holds);

    atomic_store_explicit(&row->state, INFLIGHT_OPEN, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memcpy((char *)row + head, (const char *)facts + head, end - head);
    atomic_store_explicit(&row->state, INFLIGHT_SENT, memory_order_release);
}

void ticket_call_begins(struct places *places, struct ticket *ticket, bool hedge,
                        uint32_t target)
{
    _Atomic uint32_t *call = &ticket->row->calls[hedge];

    CHECK(atomic_load_explicit(call, memory_order_relaxed) == 0);
    (void)atomic_fetch_add_explicit(&segment_target(places->segment, target)->in_flight, 1,
                                    memory_order_relaxed);
    atomic_store_explicit(call, target + 1, memory_order_release);
}

void ticket_call_ended(struct places *places, struct ticket *ticket, bool hedge)
{
    uint32_t call =
        atomic_exchange_explicit(&ticket->row->calls[hedge], 0, memory_order_acquire);

    CHECK(call > 0);
    (void)atomic_fetch_sub_explicit(&segment_target(places->segment, call - 1)->in_flight, 1,
                                    memory_order_relaxed);
}

void ticket_give_back(struct places *places, struct ticket *ticket)
{
    CHECK(ticket->row);
    atomic_store_explicit(&ticket->row->state, INFLIGHT_FREE, memory_order_release);
    ticket->row = NULL;
    places->taken_count--;
    places->free[places->free_count++] = ticket->index;
}
