/* The work functions of times.defs. */
#include "times.h"

#include "pair.h"

#include <mach/mach.h>
#include <mach/register.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct times_told times_told;
void *const calls_told = &times_told;
const size_t calls_told_size = sizeof times_told;

static mach_port_t late_port, deaf;

/* Who waits for an answer. */
static struct waiting {
	enum { SLOW, SLOW_OWN, SLOW_STATED, SLOW_SPECIAL } routine;
	mach_port_t reply;
	int32_t length;
} waiting[8];
static unsigned waiters;

static void pause_ms(int32_t milliseconds)
{
	if (milliseconds > 0)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, milliseconds);
}

static mach_port_t port_of_late_answers(void)
{
	if (late_port == MACH_PORT_NULL)
		late_port = lb_port(NULL, 0);
	return late_port;
}

static data_t late_data(void)
{
	vm_address_t address = 0;

	if (mig_allocate(&address, LATE_BYTES) != KERN_SUCCESS)
		abort();
	memset((void *)address, 'l', LATE_BYTES);
	return (data_t)address;
}

static kern_return_t wait(int routine, mach_port_t reply, int32_t length)
{
	if (waiters == sizeof waiting / sizeof *waiting)
		return KERN_RESOURCE_SHORTAGE;
	waiting[waiters++] = (struct waiting){.routine = routine, .reply = reply, .length = length};
	return MIG_NO_REPLY;
}

/* An answer that cannot be sent is still ours, the right to answer too. */
static void answer(const struct waiting *w)
{
	const bool carries = w->routine == SLOW || w->routine == SLOW_OWN;
	data_t data = carries ? late_data() : NULL;
	kern_return_t result = w->routine == SLOW ? slow_reply(w->reply, KERN_SUCCESS, late_port, data, LATE_BYTES)
			       : w->routine == SLOW_OWN
				       ? slow_own_reply(w->reply, KERN_SUCCESS, late_port, data, LATE_BYTES)
			       : w->routine == SLOW_STATED ? slow_stated_reply(w->reply, KERN_SUCCESS, w->length)
							   : slow_special_reply(w->reply, KERN_SUCCESS, w->length);

	if (result != KERN_SUCCESS) {
		mach_port_deallocate(mach_task_self(), w->reply);
		if (carries)
			give_back(data, LATE_BYTES);
	}
	times_told.answered++;
	times_told.result = result;
}

void calls_in_server(int what)
{
	mach_port_status_t status = {.mps_srights = 1};

	switch (what) {
	case ANSWER:
		port_of_late_answers();
		while (waiters != 0)
			answer(&waiting[--waiters]);
		break;
	case LISTEN:
		mach_port_move_member(mach_task_self(), deaf, pair_set);
		break;
	case DEAFEN:
		mach_port_move_member(mach_task_self(), deaf, MACH_PORT_NULL);
		break;
	default:
		mach_port_get_receive_status(mach_task_self(), port_of_late_answers(), &status);
		times_told.has_senders = status.mps_srights != 0;
		break;
	}
}

kern_return_t s_slow(mach_port_t port, mach_port_t reply, mach_port_t a, data_t b, mach_msg_type_number_t bCnt,
	mach_port_t *right, data_t *data, mach_msg_type_number_t *dataCnt)
{
	kern_return_t result = wait(SLOW, reply, 0);

	(void)port;
	(void)right;
	(void)data;
	(void)dataCnt;
	if (result == MIG_NO_REPLY) {
		lb_drop(a);
		give_back(b, bCnt);
	}
	return result;
}

kern_return_t s_slow_own(
	mach_port_t port, mach_port_t reply, mach_port_t *right, data_t *data, mach_msg_type_number_t *dataCnt)
{
	(void)port;
	(void)right;
	(void)data;
	(void)dataCnt;
	return wait(SLOW_OWN, reply, 0);
}

kern_return_t s_slow_stated(mach_port_t port, mach_port_t reply, const char *text, int32_t *length)
{
	(void)port;
	*length = (int32_t)strlen(text);
	return *length == 0 ? KERN_SUCCESS : wait(SLOW_STATED, reply, *length);
}

kern_return_t s_slow_special(mach_port_t port, mach_port_t reply, const char *text, int32_t *length)
{
	(void)port;
	*length = (int32_t)strlen(text);
	return *length == 0 ? KERN_SUCCESS : wait(SLOW_SPECIAL, reply, *length);
}

void s_sleepy_procedure(mach_port_t port, int32_t milliseconds, char *text)
{
	(void)port;
	pause_ms(milliseconds);
	strcpy(text, "slept");
}

int32_t s_sleepy_function(mach_port_t port, int32_t milliseconds, const char *text)
{
	(void)port;
	pause_ms(milliseconds);
	return (int32_t)strlen(text);
}

kern_return_t s_sleepy(mach_port_t port, int32_t milliseconds, mach_port_t a, mach_port_t *right, data_t *data,
	mach_msg_type_number_t *dataCnt)
{
	(void)port;
	lb_drop(a);
	pause_ms(milliseconds);
	*right = port_of_late_answers();
	*data = late_data();
	*dataCnt = LATE_BYTES;
	return KERN_SUCCESS;
}

kern_return_t s_echo_own(mach_port_t port, int32_t a, int32_t *b)
{
	(void)port;
	*b = a + 1;
	return KERN_SUCCESS;
}

/* --- Answers by another thread: one at a time. */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
	bool full, by_words;
	mach_port_t reply;
	int32_t milliseconds, number;
} job;

static void *answer_jobs(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (!job.full)
			pthread_cond_wait(&changed, &mutex);
		pthread_mutex_unlock(&mutex);
		pause_ms(job.milliseconds);
		if (job.by_words)
			patient_words_reply(job.reply, KERN_SUCCESS, job.number + 1, -(1ll << 40));
		else
			patient_reply(
				job.reply, KERN_SUCCESS, port_of_late_answers(), late_data(), LATE_BYTES, job.number);
		pthread_mutex_lock(&mutex);
		job.full = false;
	}
	return NULL;
}

static kern_return_t answer_later(bool by_words, mach_port_t reply, int32_t milliseconds, int32_t number)
{
	static pthread_t thread;
	bool taken;

	port_of_late_answers();
	pthread_mutex_lock(&mutex);
	if (!thread && pthread_create(&thread, NULL, answer_jobs, NULL) != 0)
		abort();
	taken = !job.full;
	if (taken) {
		job.full = true;
		job.by_words = by_words;
		job.reply = reply;
		job.milliseconds = milliseconds;
		job.number = number;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&mutex);
	return taken ? MIG_NO_REPLY : KERN_RESOURCE_SHORTAGE;
}

kern_return_t s_patient(mach_port_t port, mach_port_t reply, int32_t milliseconds, const char *text, mach_port_t *right,
	data_t *data, mach_msg_type_number_t *dataCnt, int32_t *length)
{
	(void)port;
	(void)right;
	(void)data;
	(void)dataCnt;
	(void)length;
	return answer_later(false, reply, milliseconds, (int32_t)strlen(text));
}

kern_return_t s_patient_words(mach_port_t port, int32_t milliseconds, int32_t a, int32_t *b, int64_t *c)
{
	const mach_port_t reply = mach_reply_defer();

	(void)port;
	(void)b;
	(void)c;
	return MACH_PORT_VALID(reply) ? answer_later(true, reply, milliseconds, a) : KERN_INVALID_RIGHT;
}

/* --- The port that is not always served. */

kern_return_t s_deaf_port(mach_port_t port, mach_port_t *made)
{
	(void)port;
	if (deaf == MACH_PORT_NULL)
		deaf = lb_port(NULL, 0);
	*made = deaf;
	return KERN_SUCCESS;
}

static kern_return_t pushed(int32_t number, mach_port_t a, data_t b, mach_msg_type_number_t bCnt)
{
	times_told.pushed++;
	times_told.sum += number;
	lb_drop(a);
	give_back(b, bCnt);
	return KERN_SUCCESS;
}

kern_return_t s_push(mach_port_t port, int32_t number, mach_port_t a, data_t b, mach_msg_type_number_t bCnt)
{
	(void)port;
	return pushed(number, a, b, bCnt);
}

kern_return_t s_push_wait(mach_port_t port, int32_t number, mach_port_t a, int32_t *b)
{
	(void)port;
	*b = number + 1;
	return pushed(number, a, NULL, 0);
}

kern_return_t s_push_stated(mach_port_t port, int32_t number, mach_port_t a)
{
	(void)port;
	return pushed(number, a, NULL, 0);
}

void s_push_procedure(mach_port_t port, int32_t number, mach_port_t a)
{
	(void)port;
	pushed(number, a, NULL, 0);
}

kern_return_t s_push_consumed(mach_port_t port, int32_t number, mach_port_t a, data_t b, mach_msg_type_number_t bCnt)
{
	(void)port;
	return pushed(number, a, b, bCnt);
}

kern_return_t s_push_consumed_any(
	mach_port_t port, int32_t number, mach_port_t a, data_t b, mach_msg_type_number_t bCnt)
{
	(void)port;
	return pushed(number, a, b, bCnt);
}

void s_halve(mach_port_t port, int32_t *value)
{
	(void)port;
	*value /= 2;
}

int32_t s_twice(mach_port_t port, int32_t a)
{
	(void)port;
	return 2 * a;
}

void s_remark(mach_port_t port, int32_t number)
{
	(void)port;
	times_told.remarks += number;
}
