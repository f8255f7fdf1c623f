// The ELF64 file format as exec and the C library read it (System V gABI, chapters 4 and 5).
#pragma once

#define EI_NIDENT	16
#define EI_CLASS	4
#define EI_DATA		5
#define EI_VERSION	6
#define EI_OSABI	7
#define ELFMAG		"\177ELF"
#define SELFMAG		4
#define ELFCLASS64	2
#define ELFDATA2LSB	1
#define EV_CURRENT	1

#define ET_NONE		0
#define ET_REL		1
#define ET_EXEC		2
#define ET_DYN		3
#define ET_CORE		4
#define EM_X86_64	62

typedef struct {
	unsigned char e_ident[EI_NIDENT];
	unsigned short e_type;
	unsigned short e_machine;
	unsigned int e_version;
	unsigned long e_entry;
	unsigned long e_phoff;
	unsigned long e_shoff;
	unsigned int e_flags;
	unsigned short e_ehsize;
	unsigned short e_phentsize;
	unsigned short e_phnum;
	unsigned short e_shentsize;
	unsigned short e_shnum;
	unsigned short e_shstrndx;
} Elf64_Ehdr;

typedef struct {
	unsigned int p_type;
	unsigned int p_flags;
	unsigned long p_offset;
	unsigned long p_vaddr;
	unsigned long p_paddr;
	unsigned long p_filesz;
	unsigned long p_memsz;
	unsigned long p_align;
} Elf64_Phdr;

typedef struct {
	unsigned int sh_name;
	unsigned int sh_type;
	unsigned long sh_flags;
	unsigned long sh_addr;
	unsigned long sh_offset;
	unsigned long sh_size;
	unsigned int sh_link;
	unsigned int sh_info;
	unsigned long sh_addralign;
	unsigned long sh_entsize;
} Elf64_Shdr;

typedef struct {
	unsigned int st_name;
	unsigned char st_info;
	unsigned char st_other;
	unsigned short st_shndx;
	unsigned long st_value;
	unsigned long st_size;
} Elf64_Sym;

typedef struct {
	long d_tag;
	union {
		unsigned long d_val;
		unsigned long d_ptr;
	} d_un;
} Elf64_Dyn;

typedef struct {
	unsigned long a_type;
	unsigned long a_val;
} Elf64_auxv_t;

_Static_assert(sizeof(Elf64_Ehdr) == 64, "the ELF header is 64 bytes");
_Static_assert(sizeof(Elf64_Phdr) == 56, "a program header is 56 bytes");
_Static_assert(sizeof(Elf64_Shdr) == 64, "a section header is 64 bytes");
_Static_assert(sizeof(Elf64_Sym) == 24, "a symbol is 24 bytes");

#define PT_NULL		0
#define PT_LOAD		1
#define PT_DYNAMIC	2
#define PT_INTERP	3
#define PT_NOTE		4
#define PT_SHLIB	5
#define PT_PHDR		6
#define PT_TLS		7
#define PT_GNU_EH_FRAME	0x6474e550
#define PT_GNU_STACK	0x6474e551
#define PT_GNU_RELRO	0x6474e552

#define PF_X	1
#define PF_W	2
#define PF_R	4

#define DT_NULL		0
#define DT_HASH		4
#define DT_STRTAB	5
#define DT_SYMTAB	6

#define SHT_NULL	0
#define SHT_PROGBITS	1
#define SHT_SYMTAB	2
#define SHT_STRTAB	3
#define SHT_NOBITS	8

#define ELF64_ST_TYPE(info)	((info) & 0xf)
#define STT_OBJECT		1
#define STT_FUNC		2
