/*
 * memory.h
 *		Allocation that ends the program when there is no memory left, and
 *		a text buffer that grows.
 */
#ifndef API_MEMORY_H
#define API_MEMORY_H

#include <stddef.h>

extern void out_of_memory(void) __attribute__((noreturn));
extern void *memory_zero(size_t size);
extern void *memory_resize(void *old, size_t size);
extern char *memory_text(const char *text);
/* printf into newly allocated memory */
extern char *memory_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

typedef struct Buffer
{
	char *data;
	size_t length;
	size_t capacity;
} Buffer;

extern void buffer_append(Buffer *buffer, const char *data, size_t length);
extern void buffer_text(Buffer *buffer, const char *text);
extern void buffer_print(Buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* API_MEMORY_H */
