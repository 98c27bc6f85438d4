package mapping

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestLint loads every bad file of testdata/lint and compares all complaints with the text beside it. A file that begins with "# live"
// is checked as if the schema came from a server.
func TestLint(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			schema := testSchema(t)
			schema.Live = strings.HasPrefix(string(data), "# live")
			set, complaints := Load([]Source{{File: name + ".yaml", Data: data}}, schema)
			if len(complaints) == 0 {
				t.Fatal("nothing is complained about")
			}
			if (set == nil) != (len(complaints.Errors()) > 0) {
				t.Errorf("set is nil: %v, errors: %d", set == nil, len(complaints.Errors()))
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			got := complaints.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
