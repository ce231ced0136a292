# From `nm -n` of the kernel: a table of code addresses (32 bits from kernel_start) and names, for backtraces.
BEGIN {
	print "\t.section .kernel_symbols,\"aw\""
}
$2 == "T" || $2 == "t" {
	name = $3
	sub(/\..*$/, "", name) # GCC's clones
	if (name == "" || name == "kernel_start")
		next
	printf "\t.long 0x%s - 0xffffffff80200000, .Lname%d - kernel_symbol_names\n", $1, count
	names[count++] = name
}
END {
	print "\t.section .kernel_symbol_names,\"aw\"\n\t.globl kernel_symbol_names\nkernel_symbol_names:"
	for (i = 0; i < count; i++)
		printf ".Lname%d:\t.asciz \"%s\"\n", i, names[i]
	print "\t.section .note.GNU-stack,\"\",@progbits"
}
