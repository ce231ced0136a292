/*
 * Loading page tables and making processors forget translations.
 *
 * A processor publishes the map it has loaded (processor->pmap) before it loads it. Who changes a table first changes
 * the entry, then looks who has the map loaded: either it sees the processor and interrupts it, or the processor loads
 * the new entry. A request is one at a time; its sender waits for the answers, serving other requests itself while it
 * waits for its turn.
 */
#include <kern/lock.h>
#include <kern/processor.h>
#include <vm/vm.h>
#include <x86_64/pmap_private.h>

static struct {
	uint32_t busy;
	uint32_t unanswered;
	struct tlb_batch batch;
} request;

static void forget(const struct tlb_batch *batch)
{
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
	struct cpu *cpu = current_cpu();

	/* Acquire: the request was written before the mark. */
	if (!__atomic_exchange_n(&cpu->shootdown_wanted, false, __ATOMIC_ACQUIRE))
		return;
	if (current_processor()->pmap == request.batch.pmap)
		forget(&request.batch);
	/* Release: the translations are gone before the sender goes on. */
	__atomic_fetch_sub(&request.unanswered, 1, __ATOMIC_RELEASE);
}

static void shoot_down(const struct tlb_batch *batch)
{
	struct processor *self = current_processor();

	while (__atomic_exchange_n(&request.busy, 1, __ATOMIC_ACQUIRE) != 0)
		machine_relax();
	request.batch = *batch;
	request.unanswered = 0;
	for (uint32_t i = 0; i < processors_online; i++) {
		struct processor *processor = &processors[i];

		if (processor == self || processor->pmap != batch->pmap)
			continue;
		count_event(tlb_shootdowns);
		__atomic_fetch_add(&request.unanswered, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&((struct cpu *)processor->machine)->shootdown_wanted, true, __ATOMIC_RELEASE);
		apic_send(processor->apic_id, VECTOR_SHOOTDOWN);
	}
	while (__atomic_load_n(&request.unanswered, __ATOMIC_ACQUIRE) != 0)
		machine_relax();
	__atomic_store_n(&request.busy, 0, __ATOMIC_RELEASE);
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
