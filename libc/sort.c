// Sorting and searching arrays. Heap sort: no memory, no bad case; equal elements may change
// places.

#include <stdlib.h>
#include <string.h>

// The array and its order.
struct array {
	char *base;
	size_t size;
	int (*compare)(const void *, const void *, void *);
	void *context;
};

// Exchanges two elements, a word at a time as long as there are words.
static void swap(char *a, char *b, size_t size)
{
	for (; size >= sizeof(long); size -= sizeof(long)) {
		long x, y;
		memcpy(&x, a, sizeof(long));
		memcpy(&y, b, sizeof(long));
		memcpy(a, &y, sizeof(long));
		memcpy(b, &x, sizeof(long));
		a += sizeof(long);
		b += sizeof(long);
	}
	for (; size > 0; size--) {
		char c = *a;
		*a++ = *b;
		*b++ = c;
	}
}

// Lets the element at root sink until both of its children are smaller.
static void sink(const struct array *array, size_t root, size_t nr)
{
	for (;;) {
		size_t child = 2 * root + 1;
		if (child >= nr)
			return;
		char *p = array->base + child * array->size;
		if (child + 1 < nr && array->compare(p, p + array->size, array->context) < 0) {
			child++;
			p += array->size;
		}
		char *top = array->base + root * array->size;
		if (array->compare(top, p, array->context) >= 0)
			return;
		swap(top, p, array->size);
		root = child;
	}
}

void qsort_r(void *base, size_t nr, size_t size,
	     int (*compare)(const void *, const void *, void *), void *context)
{
	struct array array = { base, size, compare, context };

	for (size_t root = nr / 2; root-- > 0; )
		sink(&array, root, nr);
	for (size_t last = nr; last-- > 1; ) {
		swap(array.base, array.base + last * size, size);
		sink(&array, 0, last);
	}
}

// A comparison without a context, behind a pointer.
struct plain_order {
	int (*compare)(const void *, const void *);
};

static int plain_compare(const void *a, const void *b, void *context)
{
	return ((struct plain_order *)context)->compare(a, b);
}

void qsort(void *base, size_t nr, size_t size, int (*compare)(const void *, const void *))
{
	struct plain_order order = { compare };

	qsort_r(base, nr, size, plain_compare, &order);
}

// An element of a sorted array that is equal to key, or NULL.
void *bsearch(const void *key, const void *base, size_t nr, size_t size,
	      int (*compare)(const void *, const void *))
{
	const char *first = base;

	while (nr > 0) {
		const char *middle = first + nr / 2 * size;
		int order = compare(key, middle);
		if (order == 0)
			return (void *)middle;
		if (order > 0) {
			first = middle + size;
			nr -= nr / 2 + 1;
		} else {
			nr /= 2;
		}
	}
	return NULL;
}
