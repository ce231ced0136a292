/* Time: nanoseconds from the TSC, the next interrupt from the local APIC's timer, the date from the RTC. */
#include <x86_64/cpu.h>

#define NS_PER_SECOND 1000000000ull

/* The 8254's channel 2, gated by port 0x61. */
#define PIT_HZ             1193182ull
#define PIT_CHANNEL2       0x42
#define PIT_COMMAND        0x43
#define PIT_CHANNEL2_MODE0 0xb0
#define PIT_LATCH2         0x80
#define PIT_GATE           0x61
#define MEASURED_TICKS     3000 /* of the 8254: 2.5 ms */
#define MEASUREMENTS_MAX   8

#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define RTC_UPDATING 0x80
#define RTC_24_HOURS 0x02
#define RTC_BINARY   0x04

#define HYPERVISOR_LEAF           0x40000000u
#define HYPERVISOR_FREQUENCY_LEAF 0x40000010u

uint64_t apic_timer_hz;
static uint64_t tsc_hz;
static uint64_t tsc_base;
static uint64_t ns_per_tick; /* times 2^32 */

static uint16_t pit_read(void)
{
	uint8_t low;

	out8(PIT_COMMAND, PIT_LATCH2);
	low = in8(PIT_CHANNEL2);
	return (uint16_t)(in8(PIT_CHANNEL2) << 8 | low);
}

struct measurement {
	uint64_t tsc, apic;
};

/* Readings at the moment when the 8254 counts down to a new value at or below `most`. */
static uint16_t read_at_edge(uint16_t most, struct measurement *out)
{
	uint16_t value, last = pit_read();

	do {
		value = pit_read();
	} while (value == last || value > most);
	out->tsc = read_tsc();
	out->apic = apic_timer_now();
	return value;
}

/* Both frequencies, once. */
static struct measurement measure(void)
{
	struct measurement start, end;
	uint16_t first, last;

	out8(PIT_GATE, (in8(PIT_GATE) & ~0x2u) | 0x1u);
	out8(PIT_COMMAND, PIT_CHANNEL2_MODE0);
	out8(PIT_CHANNEL2, 0xff);
	out8(PIT_CHANNEL2, 0xff);
	apic_timer_ticks(UINT32_MAX);
	first = read_at_edge(0xfff0, &start);
	last = read_at_edge((uint16_t)(first - MEASURED_TICKS), &end);
	apic_timer_ticks(0);
	return (struct measurement){
		.tsc = (end.tsc - start.tsc) * PIT_HZ / (uint64_t)(first - last),
		.apic = (start.apic - end.apic) * PIT_HZ / (uint64_t)(first - last),
	};
}

static bool close(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;

	return difference < a / 2000;
}

/* Whole megahertz, where the measurement is as near as it can tell. */
static uint64_t rounded(uint64_t hz)
{
	uint64_t whole = (hz + 500000) / 1000000 * 1000000;

	return close(hz, whole) ? whole : hz;
}

void clock_init(void)
{
	struct measurement before = measure(), now = before;
	uint32_t leaf[4];

	/* Two in a row must agree: a host may have taken the processor away in between. */
	for (unsigned i = 0; i < MEASUREMENTS_MAX; i++) {
		now = measure();
		if (close(now.tsc, before.tsc) && close(now.apic, before.apic))
			break;
		before = now;
	}
	tsc_hz = rounded(now.tsc);
	apic_timer_hz = rounded(now.apic);
	if (cpu_features.hypervisor) {
		cpuid(HYPERVISOR_LEAF, 0, leaf);
		if (leaf[0] >= HYPERVISOR_FREQUENCY_LEAF) {
			cpuid(HYPERVISOR_FREQUENCY_LEAF, 0, leaf);
			tsc_hz = leaf[0] != 0 ? leaf[0] * 1000ull : tsc_hz;
		}
	}
	if (tsc_hz == 0 || apic_timer_hz == 0)
		panic("no clock: the TSC runs at %lu Hz, the timer at %lu Hz", tsc_hz, apic_timer_hz);
	ns_per_tick = (uint64_t)(((unsigned __int128)NS_PER_SECOND << 32) / tsc_hz);
	tsc_base = read_tsc();
}

void machine_clock(uint64_t *hz, uint64_t *base, uint64_t *scale)
{
	*hz = tsc_hz;
	*base = tsc_base;
	*scale = ns_per_tick;
}

uint64_t machine_now(void)
{
	return (uint64_t)((unsigned __int128)(read_tsc() - tsc_base) * ns_per_tick >> 32);
}

void machine_set_deadline(uint64_t when)
{
	struct cpu *cpu = current_cpu();
	uint64_t now, ticks;

	if (when == cpu->deadline)
		return;
	cpu->deadline = when;
	if (when == UINT64_MAX) {
		apic_timer_ticks(0);
		return;
	}
	now = machine_now();
	cpu->due = when > now ? when : now;
	/* A deadline beyond the timer's range interrupts early and is set again. */
	ticks = when <= now ? 1 : (uint64_t)((unsigned __int128)(when - now) * apic_timer_hz / NS_PER_SECOND) + 1;
	apic_timer_ticks(ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

static unsigned rtc_register(uint8_t index)
{
	out8(RTC_INDEX, index);
	return in8(RTC_DATA);
}

static uint64_t days_before_year(uint64_t year)
{
	year--;
	return year * 365 + year / 4 - year / 100 + year / 400;
}

uint64_t machine_boot_time(void)
{
	static const uint16_t days_before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	static const uint8_t index[6] = {0, 2, 4, 7, 8, 9}; /* second, minute, hour, day, month, year */
	unsigned value[6], again[6], status = rtc_register(0xb);
	uint64_t year, month, days, seconds;
	bool afternoon, same;

	/* Two equal readings: no update came in between. */
	do {
		same = true;
		while (rtc_register(0xa) & RTC_UPDATING)
			;
		for (unsigned i = 0; i < 6; i++)
			value[i] = rtc_register(index[i]);
		for (unsigned i = 0; i < 6; i++) {
			again[i] = rtc_register(index[i]);
			same &= again[i] == value[i];
		}
	} while (!same);
	afternoon = !(status & RTC_24_HOURS) && (value[2] & 0x80);
	value[2] &= 0x7f;
	if (!(status & RTC_BINARY))
		for (unsigned i = 0; i < 6; i++)
			value[i] = (value[i] >> 4) * 10 + (value[i] & 0xf);
	if (!(status & RTC_24_HOURS))
		value[2] = value[2] % 12 + (afternoon ? 12 : 0);
	year = 2000 + value[5];
	month = value[4] >= 1 && value[4] <= 12 ? value[4] : 1;
	days = days_before_year(year) - days_before_year(1970) + days_before_month[month - 1] + value[3] - 1;
	if (month > 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		days++;
	seconds = ((days * 24 + value[2]) * 60 + value[1]) * 60 + value[0];
	return seconds * NS_PER_SECOND - machine_now();
}
