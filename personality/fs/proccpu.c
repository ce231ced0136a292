/* /proc/cpuinfo: what CPUID says (Intel SDM volume 2, AMD APM volume 3), by the names that programs look for. */
#include <cpuid.h>
#include <string.h>

#include "fs/procfs.h"
#include "process/proc.h"

#define FEATURE_LEAF          1u
#define STRUCTURED_LEAF       7u
#define EXTENDED_LEAF         0x80000001u
#define BRAND_LEAF            0x80000002u
#define ADDRESS_LEAF          0x80000008u
#define CACHE_LINE(b)         (((b) >> 8 & 255) * 8) /* what CLFLUSH flushes: leaf 1, EBX */
#define EXTENDED_FAMILY_FROM  15u

struct registers {
	unsigned a, b, c, d;
};

static struct registers ask(unsigned leaf)
{
	struct registers r = {0};

	__get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);
	return r;
}

/* Names of the bits from 0 on; empty: none that anybody looks for. */
static void say_bits(struct text *text, unsigned bits, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (bits >> i & 1 && names[i][0] != 0)
			text_add(text, " %s", names[i]);
	}
}

#define SAY(text, bits, names) say_bits(text, bits, names, sizeof(names) / sizeof(names)[0])

static void say_flags(struct text *text)
{
	static const char *const features_d[] = {"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep",
		"mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse", "sse2",
		"ss", "ht", "tm", "ia64", "pbe"};
	static const char *const features_c[] = {"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2",
		"ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", "", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe",
		"popcnt", "tsc_deadline_timer", "aes", "xsave", "", "avx", "f16c", "rdrand", "hypervisor"};
	/* Of the extended leaf only what the other does not say. */
	static const char *const extended_d[] = {"", "", "", "", "", "", "", "", "", "", "", "syscall", "", "", "", "", "", "", "",
		"mp", "nx", "", "mmxext", "", "", "fxsr_opt", "pdpe1gb", "rdtscp", "", "lm", "3dnowext", "3dnow"};
	static const char *const extended_c[] = {"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a",
		"misalignsse", "3dnowprefetch"};
	static const char *const structured_b[] = {"fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", "", "smep", "bmi2",
		"erms", "invpcid", "rtm", "cqm", "", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "", "",
		"clflushopt", "clwb", "", "", "", "", "sha_ni", "avx512bw", "avx512vl"};
	static const char *const structured_c[] = {"", "", "umip", "pku", "", "", "", "", "gfni", "vaes", "vpclmulqdq"};
	struct registers features = ask(FEATURE_LEAF), extended = ask(EXTENDED_LEAF), structured = ask(STRUCTURED_LEAF);

	text_add(text, "flags\t\t:");
	SAY(text, features.d, features_d);
	SAY(text, extended.d, extended_d);
	SAY(text, features.c, features_c);
	SAY(text, extended.c, extended_c);
	SAY(text, structured.b, structured_b);
	SAY(text, structured.c, structured_c);
	text_add(text, "\n");
}

void proc_text_cpuinfo(struct text *text, struct process *process, struct call *call)
{
	struct registers vendor = ask(0), features = ask(FEATURE_LEAF), address = ask(ADDRESS_LEAF);
	unsigned a = features.a, i, count = processors_available();
	unsigned family = a >> 8 & 15, model = (a >> 4 & 15) | (a >> 16 & 15) << 4;
	char name[13] = {0}, brand[49] = {0};

	(void)process;
	(void)call;
	memcpy(name, &vendor.b, 4);
	memcpy(name + 4, &vendor.d, 4);
	memcpy(name + 8, &vendor.c, 4);
	for (i = 0; i < 3; i++) {
		struct registers part = ask(BRAND_LEAF + i);

		memcpy(brand + 16 * i, &part, sizeof part);
	}
	if (family == EXTENDED_FAMILY_FROM)
		family += a >> 20 & 255;
	for (i = 0; i < count; i++) {
		text_add(text,
			"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
			i, name, family, model, brand, a & 15);
		text_add(text,
			"physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\nfpu\t\t: yes\n"
			"fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
			count, i, count, vendor.a);
		say_flags(text);
		text_add(text, "clflush size\t: %u\ncache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n\n",
			CACHE_LINE(features.b), CACHE_LINE(features.b), address.a & 255, address.a >> 8 & 255);
	}
}
