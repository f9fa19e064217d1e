/* The OpenAPI document, embedded: the program needs no file at run time. */
	.section .rodata
	.global contract_text
	.global contract_end
contract_text:
	.incbin OPENAPI_FILE
contract_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
