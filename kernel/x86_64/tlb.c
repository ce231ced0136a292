/*
 * Loading page tables and making processors forget translations.
 *
 * A processor publishes the map it has loaded (processor->pmap) before it loads it. Who changes a table first changes
 * the entry, then looks who has the map loaded: either it sees the processor and asks it to forget, or the processor
 * loads the new entry. An idle processor has no map loaded, so nobody waits for one to wake.
 *
 * A processor has at most one request out, which is its batch (cpu->shootdown), and marks itself in `shootdown_from` of
 * each that is to answer. It waits for the answers, and answers meanwhile itself, as whoever spins does
 * (machine_relax): so two that wait for each other both go on.
 */
#include <x86_64/pmap_private.h>

static void forget(const struct tlb_batch *batch)
{
	if (batch->leave) {
		pmap_load(NULL);
		return;
	}
	if (batch->count > TLB_BATCH) {
		count_event(tlb_flushes_full);
		write_cr3(batch->pmap->cr3);
		return;
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		count_event(tlb_flushes_page);
		__asm__ volatile("invlpg (%0)" : : "r"(batch->address[i]) : "memory");
	}
}

void tlb_shootdown_serve(void)
{
	struct processor *self = current_processor();
	uint32_t *from = &self->machine->shootdown_from, senders;

	if (__atomic_load_n(from, __ATOMIC_RELAXED) == 0)
		return;
	/* Acquire: the requests were written before the marks. */
	senders = __atomic_exchange_n(from, 0, __ATOMIC_ACQUIRE);
	for (; senders != 0; senders &= senders - 1) {
		struct cpu *sender = processors[__builtin_ctz(senders)].machine;

		if (self->pmap == sender->shootdown->pmap && sender->shootdown->count != 0)
			forget(sender->shootdown);
		/* Release: the translations are gone before the sender goes on. */
		__atomic_fetch_sub(&sender->shootdown_unanswered, 1, __ATOMIC_RELEASE);
	}
}

/* The processor is to answer this one's request. */
static void ask(struct processor *processor, struct processor *self)
{
	__atomic_fetch_add(&self->machine->shootdown_unanswered, 1, __ATOMIC_RELAXED);
	/* Who is marked already has the interrupt on its way. */
	if (__atomic_fetch_or(&processor->machine->shootdown_from, 1u << self->id, __ATOMIC_RELEASE) == 0)
		apic_send(processor->apic_id, VECTOR_SHOOTDOWN);
}

static void await_answers(struct processor *self)
{
	while (__atomic_load_n(&self->machine->shootdown_unanswered, __ATOMIC_ACQUIRE) != 0)
		machine_relax();
}

static void shoot_down(const struct tlb_batch *batch)
{
	struct processor *self = current_processor();

	self->machine->shootdown = batch;
	/* The entry is changed before we look at who has the map loaded. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < processors_online; i++) {
		struct processor *processor = &processors[i];

		if (processor == self || __atomic_load_n(&processor->pmap, __ATOMIC_RELAXED) != batch->pmap)
			continue;
		count_event(tlb_shootdowns);
		ask(processor, self);
	}
	await_answers(self);
}

void machine_call_in(struct processor *processor)
{
	static const struct tlb_batch nothing;
	struct processor *self = current_processor();

	self->machine->shootdown = &nothing;
	ask(processor, self);
	await_answers(self);
}

void tlb_flush(struct tlb_batch *batch)
{
	if (batch->count == 0)
		return;
	if (current_processor()->pmap == batch->pmap)
		forget(batch);
	if (processors_online > 1)
		shoot_down(batch);
	batch->count = 0;
}

void tlb_flush_page(struct pmap *pmap, vm_address_t address)
{
	struct tlb_batch batch;

	tlb_batch_init(&batch, pmap);
	tlb_batch_add(&batch, address);
	tlb_flush(&batch);
}

void pmap_unload(struct pmap *pmap)
{
	struct tlb_batch batch = {.pmap = pmap, .leave = true, .count = 1};

	tlb_flush(&batch);
}
