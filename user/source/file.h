/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of a recording: a magic line, then records (otelbpf/record.h), each padded with zero
 * bytes to a multiple of eight, in the byte order of the machine that wrote it.
 */
#ifndef SOURCE_FILE_H
#define SOURCE_FILE_H

/* The number is raised when a reader of the old one would misunderstand. */
#define RECORDING_MAGIC "otelbpf1"
enum {
	RECORDING_MAGIC_LEN = 8,
	RECORDING_ALIGN = 8
};

#endif
