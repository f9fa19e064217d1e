/*
 * memory.c
 *		Allocation that ends the program when there is no memory left.
 */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
out_of_memory(void)
{
	fputs("retrack_api: out of memory\n", stderr);
	abort();
}

void *
memory_zero(size_t size)
{
	void *result = calloc(1, size ? size : 1);

	if (!result)
		out_of_memory();
	return result;
}

void *
memory_resize(void *old, size_t size)
{
	void *result = realloc(old, size ? size : 1);

	if (!result)
		out_of_memory();
	return result;
}

char *
memory_text(const char *text)
{
	char *result = strdup(text);

	if (!result)
		out_of_memory();
	return result;
}

char *
memory_print(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		out_of_memory();
	va_end(arguments);
	return result;
}

void
buffer_append(Buffer *buffer, const char *data, size_t length)
{
	if (buffer->length + length + 1 > buffer->capacity)
	{
		buffer->capacity = (buffer->length + length + 1) * 2;
		buffer->data = memory_resize(buffer->data, buffer->capacity);
	}
	memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void
buffer_text(Buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void
buffer_print(Buffer *buffer, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		out_of_memory();
	buffer_append(buffer, text, (size_t) length);
	free(text);
}
