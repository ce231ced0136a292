/* Types of the file interface. */
#ifndef SERVERS_FILE_TYPES_H
#define SERVERS_FILE_TYPES_H

#include <stdint.h>

/* Results are kern_return_t; an errno of Linux travels as this. */
#define FILE_ERROR_BASE 0x40000000
#define FILE_ERROR(e)   (FILE_ERROR_BASE | (e))
#define FILE_ERRNO(kr)  (((kr) & ~0xfff) == FILE_ERROR_BASE ? ((kr)&0xfff) : (kr) == 0 ? 0 : 5 /* EIO */)

#define FILE_NAME_LENGTH 255

typedef char file_name_t[256];
typedef char file_path_t[4096];

typedef struct file_attributes {
	uint64_t inode;
	uint64_t mode; /* type and permissions, as st_mode */
	uint64_t links;
	uint64_t uid, gid;
	uint64_t device; /* of a special file: Linux's major << 8 | minor encoding of st_rdev */
	uint64_t size;   /* bytes */
	uint64_t blocks; /* of 512 bytes */
	uint64_t block_size;
	int64_t access_time, modify_time, change_time; /* ns since 1970 */
	uint64_t generation;
	uint64_t reserved;
} file_attributes_t;

/* Which of them file_set_attributes takes. */
enum {
	FILE_SET_MODE = 1, /* permission bits only */
	FILE_SET_UID = 2,
	FILE_SET_GID = 4,
	FILE_SET_ACCESS_TIME = 8,
	FILE_SET_MODIFY_TIME = 16,
	FILE_SET_SIZE = 32, /* truncates or extends with a hole; cached pages beyond are dropped before it returns */
};

typedef struct file_system_info {
	uint64_t type; /* as f_type */
	uint64_t block_size;
	uint64_t blocks, blocks_free, blocks_available;
	uint64_t files, files_free;
	uint64_t name_length;
	uint64_t id;
	uint64_t read_only;
} file_system_info_t;

/* One entry of file_read_directory; the next follows after `length` bytes. */
struct file_entry {
	uint64_t inode;
	uint64_t cookie; /* pass it to go on after this entry */
	uint16_t length; /* of this record, a multiple of 8 */
	uint8_t type;    /* DT_* */
	char name[];     /* ends in NUL */
};

#define FILE_ENTRIES_SIZE 16384
typedef char file_entries_t[FILE_ENTRIES_SIZE];

enum { FILE_RENAME_NOREPLACE = 1, FILE_RENAME_EXCHANGE = 2 };

#endif
