// Command schema knows the Go types of the Kubernetes API: it writes the field tables that the client embeds and how
// fields merge, makes objects of every type in all formats, reads back what the client makes of them, and takes the cases
// out of Go's tests.
package main

import (
	"fmt"
	"os"
	"strconv"

	"portolan/tests/schema/cases"
	"portolan/tests/schema/corpus"
	"portolan/tests/schema/merge"
	"portolan/tests/schema/tables"
)

const usage = `use one of
  schema tables               print the field tables as Rust source
  schema merge                print how fields merge as Rust source
  schema cases PACKAGE        print the cases of a Go package's tests, one a line
  schema corpus SEED EACH     print EACH random objects of every kind, one a line
  schema verify               read objects from standard input and print "n of m" that Go reads the same`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "tables":
		_, err := fmt.Print(tables.Source())
		return err
	case len(arguments) == 1 && arguments[0] == "merge":
		source, err := merge.Source()
		if err != nil {
			return err
		}
		_, err = fmt.Print(source)
		return err
	case len(arguments) == 2 && arguments[0] == "cases":
		return cases.Write(os.Stdout, arguments[1])
	case len(arguments) == 3 && arguments[0] == "corpus":
		seed, err := strconv.ParseUint(arguments[1], 10, 64)
		if err != nil {
			return err
		}
		each, err := strconv.Atoi(arguments[2])
		if err != nil {
			return err
		}
		return corpus.Write(os.Stdout, seed, each)
	case len(arguments) == 1 && arguments[0] == "verify":
		equal, all, err := corpus.Verify(os.Stdin)
		if err != nil {
			return err
		}
		fmt.Printf("%d of %d\n", equal, all)
		if equal != all {
			return fmt.Errorf("%d objects differ", all-equal)
		}
		return nil
	}
	return fmt.Errorf("%s", usage)
}
