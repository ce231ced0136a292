/*
 * crypt: what is written to the object is enciphered and authenticated below. Arguments: lower=OBJECT key=FILE
 * [format].
 *
 * The lower object is a header page, then groups: one page of seals, and the 96 pages that these are for. A seal is a
 * random nonce and the tag of XChaCha20-Poly1305 over the page's contents; so a page is read as it was written, or not
 * at all (EIO). An empty seal is of a page never written: zeros. Twelve seals fill a sector, which disks write whole,
 * with a hash of them and of the sector's place by the volume's key: so neither are seals moved, nor pages emptied. Who
 * can put back an old sector of seals together with its old pages is not noticed: for that the key would not do.
 *
 * A page and its seal are two writes. After a power cut a page that was being written may be neither the old nor the
 * new one, and then it is EIO until it is written again; over a journal (pagers/journal) both are written or none.
 *
 * With `format` an object whose first page is zeros gets a header, and all its pages are zeros. The key is that of a
 * file with at least 32 bytes of which nobody can guess the contents; by the salt each volume has another.
 */
#include <pagers/kit/lower.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTOR_SEALS = 12,
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	HASH = 16,
	SALT = 32,
	KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	KEY_FILE_MIN = 32,
	KEY_FILE_MAX = 4096,
};
#define MAGIC 0x31547079724350ull /* "PCrypT1" */

struct seal {
	unsigned char nonce[NONCE], tag[TAG];
};

struct seals {
	struct seal seal[SECTOR_SEALS];
	unsigned char hash[HASH];
	unsigned char rest[PK_SECTOR - SECTOR_SEALS * sizeof(struct seal) - HASH];
};
_Static_assert(sizeof(struct seals) == PK_SECTOR, "seals fill a sector");

struct header {
	uint64_t magic, pages;
	unsigned char salt[SALT];
	unsigned char hash[HASH]; /* of all before, by the volume's key */
};

static struct pk_lower *below;
static struct header header;
static unsigned char page_key[KEY], hash_key[KEY];
static const struct seal empty;

/* --- Where what is. */

static uint64_t page_at(uint64_t page)
{
	return pk_noted_page_at(SECTOR_SEALS, page);
}

static uint64_t seals_at(uint64_t page)
{
	return pk_notes_at(SECTOR_SEALS, page);
}

/* --- Seals. */

static void hash_of(const struct seals *seals, uint64_t at, unsigned char hash[HASH])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, hash_key, KEY, HASH);
	crypto_generichash_update(&state, (const unsigned char *)&at, sizeof(at));
	crypto_generichash_update(&state, (const unsigned char *)seals->seal, sizeof(seals->seal));
	crypto_generichash_final(&state, hash, HASH);
}

static int read_seals(uint64_t at, struct seals *seals)
{
	unsigned char hash[HASH];
	int error = pk_lower_read(below, at, seals, sizeof(*seals));

	if (error)
		return error;
	hash_of(seals, at, hash);
	if (sodium_memcmp(hash, seals->hash, HASH) == 0)
		return 0;
	pk_log("crypt: the seals at %llu below are not those that were written", (unsigned long long)at);
	return EIO;
}

static int write_seals(uint64_t at, struct seals *seals)
{
	memset(seals->rest, 0, sizeof(seals->rest));
	hash_of(seals, at, seals->hash);
	return pk_lower_write(below, at, seals, sizeof(*seals));
}

/* --- Pages. */

static int open_page(uint64_t page, const struct seal *seal, unsigned char *data)
{
	int error;

	if (sodium_memcmp(seal, &empty, sizeof(empty)) == 0)
		return 0; /* the page's memory is zeros */
	error = pk_lower_read(below, page_at(page), data, PK_PAGE);
	if (!error && crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
			      data, NULL, data, PK_PAGE, seal->tag, NULL, 0, seal->nonce, page_key) != 0)
		error = EIO;
	return error;
}

static int read_crypt(void *self, uint64_t offset, void *pages, size_t length)
{
	struct seals seals;
	uint64_t first = offset / PK_PAGE;
	int error = 0;

	(void)self;
	for (uint64_t page = first; page < first + length / PK_PAGE && !error; page++) {
		if (page == first || page % SECTOR_SEALS == 0)
			error = read_seals(seals_at(page), &seals);
		if (!error)
			error = open_page(page, &seals.seal[page % SECTOR_SEALS],
				(unsigned char *)pages + (page - first) * PK_PAGE);
	}
	return error;
}

/* A new nonce for each write: at random, for who restarts knows no counter. */
static int seal_page(uint64_t page, struct seal *seal, const unsigned char *data)
{
	unsigned char enciphered[PK_PAGE];

	randombytes_buf(seal->nonce, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
		enciphered, seal->tag, NULL, data, PK_PAGE, NULL, 0, NULL, seal->nonce, page_key);
	return pk_lower_write(below, page_at(page), enciphered, PK_PAGE);
}

static int write_crypt(void *self, uint64_t offset, const void *pages, size_t length)
{
	struct seals seals;
	uint64_t first = offset / PK_PAGE, last = first + length / PK_PAGE;
	int error = 0;

	(void)self;
	for (uint64_t page = first; page < last && !error; page++) {
		if (page == first || page % SECTOR_SEALS == 0)
			error = read_seals(seals_at(page), &seals);
		if (!error)
			error = seal_page(page, &seals.seal[page % SECTOR_SEALS],
				(const unsigned char *)pages + (page - first) * PK_PAGE);
		if (!error && (page + 1 == last || (page + 1) % SECTOR_SEALS == 0))
			error = write_seals(seals_at(page), &seals);
	}
	return error;
}

/* --- Start. */

static void hash_header(const struct header *h, unsigned char hash[HASH])
{
	crypto_generichash(hash, HASH, (const unsigned char *)h, offsetof(struct header, hash), hash_key, KEY);
}

/* Two keys of the file's contents and the salt. */
static int read_key(const char *name, const unsigned char salt[SALT])
{
	unsigned char text[KEY_FILE_MAX], keys[2 * KEY];
	struct pk_lower *file;
	uint64_t size;
	int error = pk_lower_open(name, &file);

	if (error)
		return error;
	size = pk_lower_size(file);
	if (size < KEY_FILE_MIN || size > KEY_FILE_MAX)
		return EINVAL;
	error = pk_lower_read(file, 0, text, size);
	if (!error)
		crypto_generichash(keys, sizeof(keys), text, size, salt, SALT);
	memcpy(page_key, keys, KEY);
	memcpy(hash_key, keys + KEY, KEY);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(keys, sizeof(keys));
	return error;
}

static uint64_t pages_below(void)
{
	return pk_noted_pages(SECTOR_SEALS, pk_lower_size(below));
}

/* The header last, when all seals are there: until then there is none. */
static int format(const char *key)
{
	struct seals none = {0};
	int error;

	header = (struct header){.magic = MAGIC, .pages = pages_below()};
	randombytes_buf(header.salt, SALT);
	error = header.pages ? read_key(key, header.salt) : ENOSPC;
	for (uint64_t page = 0; page < header.pages && !error; page += SECTOR_SEALS)
		error = write_seals(seals_at(page), &none);
	if (!error)
		error = pk_lower_flush(below);
	hash_header(&header, header.hash);
	if (!error)
		error = pk_lower_write(below, 0, &header, sizeof(header));
	return error ? error : pk_lower_flush(below);
}

static int check_header(const char *key)
{
	unsigned char hash[HASH];
	int error = read_key(key, header.salt);

	if (error)
		return error;
	hash_header(&header, hash);
	if (sodium_memcmp(hash, header.hash, HASH) != 0)
		return EACCES; /* another key */
	return header.pages > pages_below() ? EIO : 0;
}

static int open_crypt(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	const char *key = pk_argument(&argc, argv, "key=");
	bool may_format = pk_argument(&argc, argv, "format");
	int error;

	(void)self;
	if (argc != 0 || !key || sodium_init() < 0)
		return EINVAL;
	below = lowers[0];
	error = pk_header_find(below, MAGIC, &header, sizeof(header));
	if (!error)
		error = check_header(key);
	else if (error == ENOENT && may_format)
		error = format(key);
	*size = header.pages * PK_PAGE;
	return error;
}

static const struct pk_program crypt = {
	.name = "crypt",
	.usage = "key=FILE [format]",
	.lowers = 1,
	.open = open_crypt,
	.ops = {.read = read_crypt, .write = write_crypt},
};
PAGER(crypt)
