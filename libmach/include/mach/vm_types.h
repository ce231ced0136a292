/* Addresses, protections, inheritance, memory objects: the types of the vm_ and memory_object_ routines. */
#ifndef MACH_VM_TYPES_H
#define MACH_VM_TYPES_H

#include <mach/boolean.h>
#include <mach/port.h>
#include <stdint.h>

typedef uint64_t vm_address_t;
typedef uint64_t vm_offset_t;
typedef uint64_t vm_size_t;
typedef int vm_prot_t;
typedef unsigned vm_inherit_t;
typedef int memory_object_copy_strategy_t;
typedef int memory_object_return_t;

typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t mach_vm_size_t;
typedef uint64_t vm_map_offset_t;
typedef uint64_t vm_map_address_t;
typedef uint64_t vm_map_size_t;
typedef uint64_t memory_object_offset_t;
typedef uint64_t memory_object_size_t;
typedef uint64_t rpc_uintptr_t;
typedef uint64_t rpc_vm_address_t;
typedef uint64_t rpc_vm_offset_t;
typedef uint64_t rpc_vm_size_t;
typedef uint64_t rpc_phys_addr_t;
typedef unsigned vm_behavior_t;
typedef unsigned vm_sync_t;
typedef unsigned vm_machine_attribute_t;
typedef int vm_machine_attribute_val_t;
typedef int *vm_region_info_t;
typedef int vm_region_flavor_t;
typedef int *vm_region_recurse_info_t;
typedef uint32_t vm_tag_t;
typedef uint64_t *vm_offset_array_t;
typedef uint64_t *vm_size_array_t;
typedef uint64_t *rpc_vm_offset_array_t;
typedef uint64_t *rpc_vm_size_array_t;
typedef uint64_t *rpc_phys_addr_array_t;
typedef uint64_t *emulation_vector_t;
typedef int vm_wire_t;
typedef int memory_object_flavor_t;
typedef int *memory_object_info_t;

#define VM_WIRE_NONE    0
#define VM_WIRE_CURRENT 1
#define VM_WIRE_FUTURE  2
#define VM_WIRE_ALL     (VM_WIRE_CURRENT | VM_WIRE_FUTURE)

/* GNU's vm_cache_statistics, which is absent. */
struct vm_cache_statistics {
	int cache_object_count, cache_count;
	int active_tmp_count, inactive_tmp_count, active_perm_count, inactive_perm_count;
	int dirty_count, laundry_count, writeback_count, slab_count, slab_reclaim_count;
};
typedef struct vm_cache_statistics vm_cache_statistics_data_t;
typedef struct vm_cache_statistics *vm_cache_statistics_t;

#define VM_PAGE_SIZE  4096ull
#define VM_PAGE_SHIFT 12
#define VM_PAGE_MASK  (VM_PAGE_SIZE - 1)
#define trunc_page(a) ((a) & ~VM_PAGE_MASK)
#define round_page(a) (((a) + VM_PAGE_MASK) & ~VM_PAGE_MASK)

/* A task's addresses: from 64 KiB, so that null pointers fault, to below the last page of the lower half. */
#define VM_MIN_ADDRESS 0x10000ull
#define VM_MAX_ADDRESS 0x7ffffffff000ull

#define VM_PROT_NONE      0
#define VM_PROT_READ      1
#define VM_PROT_WRITE     2
#define VM_PROT_EXECUTE   4
#define VM_PROT_DEFAULT   (VM_PROT_READ | VM_PROT_WRITE)
#define VM_PROT_ALL       (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#define VM_PROT_NO_CHANGE 8

#define VM_INHERIT_SHARE   0u
#define VM_INHERIT_COPY    1u
#define VM_INHERIT_NONE    2u
#define VM_INHERIT_DEFAULT VM_INHERIT_COPY

#define VM_INHERIT_DONATE_COPY 3u /* refused */

/* Of the routines that take flags where others take a boolean (mach/vm_map.h). */
#define VM_FLAGS_FIXED      0x0000
#define VM_FLAGS_ANYWHERE   0x0001
#define VM_FLAGS_OVERWRITE  0x4000     /* with FIXED: what is there goes */
#define VM_FLAGS_ALIAS_MASK 0xff000000 /* a tag, which nobody keeps */
#define VM_MAKE_TAG(tag)    ((uint32_t)(tag) << 24)

#define VM_SYNC_ASYNCHRONOUS 0x01
#define VM_SYNC_SYNCHRONOUS  0x02
#define VM_SYNC_INVALIDATE   0x04
#define VM_SYNC_KILLPAGES    0x08
#define VM_SYNC_DEACTIVATE   0x10
#define VM_SYNC_CONTIGUOUS   0x20

#define VM_BEHAVIOR_DEFAULT    0u
#define VM_BEHAVIOR_RANDOM     1u
#define VM_BEHAVIOR_SEQUENTIAL 2u
#define VM_BEHAVIOR_RSEQNTL    3u
#define VM_BEHAVIOR_WILLNEED   4u
#define VM_BEHAVIOR_DONTNEED   5u

#define MATTR_CACHE        1
#define MATTR_MIGRATE      2
#define MATTR_REPLICATE    4
#define MATTR_VAL_OFF         0
#define MATTR_VAL_ON          1
#define MATTR_VAL_GET         2
#define MATTR_VAL_CACHE_FLUSH 6
#define MATTR_VAL_DCACHE_FLUSH 7
#define MATTR_VAL_ICACHE_FLUSH 8
#define MATTR_VAL_CACHE_SYNC   9

#define VM_REGION_BASIC_INFO_64 9
#define VM_REGION_BASIC_INFO    10
typedef struct vm_region_basic_info_64 {
	vm_prot_t protection;
	vm_prot_t max_protection;
	vm_inherit_t inheritance;
	boolean_t shared;
	boolean_t reserved;
	unsigned pad;
	memory_object_offset_t offset;
	vm_behavior_t behavior;
	unsigned short user_wired_count;
} vm_region_basic_info_data_64_t;
typedef vm_region_basic_info_data_64_t *vm_region_basic_info_64_t;
typedef vm_region_basic_info_data_64_t vm_region_basic_info_data_t;
typedef vm_region_basic_info_data_64_t *vm_region_basic_info_t;
#define vm_region_basic_info        vm_region_basic_info_64
#define VM_REGION_BASIC_INFO_COUNT_64 ((unsigned)(sizeof(vm_region_basic_info_data_64_t) / sizeof(int)))
#define VM_REGION_BASIC_INFO_COUNT    VM_REGION_BASIC_INFO_COUNT_64

#define SM_COW     1
#define SM_PRIVATE 2
#define SM_EMPTY   3
#define SM_SHARED  4
typedef struct vm_region_submap_info_64 {
	vm_prot_t protection;
	vm_prot_t max_protection;
	vm_inherit_t inheritance;
	unsigned user_tag;
	memory_object_offset_t offset;
	unsigned pages_resident; /* of the first VM_PAGE_QUERY_MAX, as those below */
	unsigned pages_swapped_out;
	unsigned pages_dirtied;
	unsigned char external_pager;
	unsigned char share_mode; /* SM_PRIVATE, SM_SHARED */
	boolean_t is_submap;
	vm_behavior_t behavior;
	unsigned short user_wired_count;
} vm_region_submap_info_data_64_t;
typedef vm_region_submap_info_data_64_t *vm_region_submap_info_64_t;
typedef vm_region_submap_info_data_64_t vm_region_submap_info_data_t;
typedef vm_region_submap_info_data_64_t vm_region_submap_short_info_data_64_t;
#define VM_REGION_SUBMAP_SHORT_INFO_COUNT_64 VM_REGION_SUBMAP_INFO_COUNT_64

#define MEMORY_OBJECT_NULL      MACH_PORT_NULL
#define MEMORY_OBJECT_COPY_NONE      0 /* a copy is made at once */
#define MEMORY_OBJECT_COPY_CALL      1
#define MEMORY_OBJECT_COPY_DELAY     2 /* copy-on-write; the pager changes nothing by itself */
#define MEMORY_OBJECT_COPY_TEMPORARY 3 /* and needs no data back */

#define MEMORY_OBJECT_RETURN_NONE  0
#define MEMORY_OBJECT_RETURN_DIRTY 1 /* dirty and precious pages */
#define MEMORY_OBJECT_RETURN_ALL   2

/* Of a page (vm_page_range_query). */
#define VM_PAGE_QUERY_PAGE_PRESENT  0x1  /* it is in memory, */
#define VM_PAGE_QUERY_PAGE_REF      0x4  /* has been referenced, */
#define VM_PAGE_QUERY_PAGE_DIRTY    0x8  /* changed */
#define VM_PAGE_QUERY_PAGE_PAGED_OUT 0x10 /* it is in a swap area */
#define VM_PAGE_QUERY_PAGE_COPIED   0x20 /* still the original's, of which this is a copy */
#define VM_PAGE_QUERY_PAGE_EXTERNAL 0x80 /* a pager's */
#define VM_PAGE_QUERY_PAGE_MAPPED   0x10000 /* in the task's page tables */
#define VM_PAGE_QUERY_MAX 64
typedef int page_query_t[VM_PAGE_QUERY_MAX];

typedef struct vm_statistics {
	uint64_t pagesize;
	uint64_t free_count; /* pages */
	uint64_t active_count;
	uint64_t inactive_count;
	uint64_t wire_count;
	uint64_t total_count;
	uint64_t zero_fill_count; /* events since boot */
	uint64_t reactivations;
	uint64_t pageins;
	uint64_t pageouts;
	uint64_t faults;
	uint64_t cow_faults;
	uint64_t anonymous_count; /* of active_count and inactive_count: what would go out to swap */
} vm_statistics_data_t;

#endif
