// Package mapping turns YAML documents into compiled mappings: it parses with positions, lints everything at once, compiles
// expressions and converters, reads a raw record into a View and writes a View's value back into raw form, and runs the
// documents' own tests.
//
// It talks to nobody: what the far sides offer comes in as a Schema, and references are translated by the caller's Refs.
package mapping
