package config

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const reference = "../../docs/configuration.md"

//go:generate go test -run TestReferenceIsUpToDate -update

func TestReferenceIsUpToDate(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(reference, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(reference)
	if err != nil || !bytes.Equal(kept, b.Bytes()) {
		t.Errorf("docs/configuration.md is out of date (%v): go generate ./internal/config", err)
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	s := load(t, Sources{Dir: t.TempDir(), Env: []string{"ADMIN_PASSWORD=hunter22", "BPM_SECRET=hunter23"}})
	var b strings.Builder
	if err := Print(&b, s.Table(), false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter") {
		t.Errorf("a secret is printed:\n%s", &b)
	}
	if !strings.Contains(b.String(), "BPM_SECRET") || strings.Contains(b.String(), "BPM_PORT") {
		t.Errorf("settings without effect: the given ones, and only those, are listed:\n%s", &b)
	}
}
