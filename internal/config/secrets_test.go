package config

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSecretsAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var wg sync.WaitGroup
	keys := make([]Keys, 8)
	for i := range keys {
		wg.Go(func() {
			k, err := Secrets(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	wg.Wait()
	for _, k := range keys {
		if len(k.Cookie) != 32 || !bytes.Equal(k.Cookie, keys[0].Cookie) {
			t.Fatalf("starts at the same time got different keys: %x", k.Cookie)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("left in the folder: %v (%v)", entries, err)
	}
	info, err := os.Stat(filepath.Join(dir, SecretsFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
}

func TestSecretsRefuseADamagedFile(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "not hex": "COOKIE_SECRET=zz\n", "short": "COOKIE_SECRET=aabb\n"} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{SecretsFile: text})
			if _, err := Secrets(dir); err == nil {
				t.Error("accepted")
			}
			if data, _ := os.ReadFile(filepath.Join(dir, SecretsFile)); string(data) != text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestConfiguredSecretWins(t *testing.T) {
	dir := t.TempDir()
	s := load(t, Sources{Dir: dir, Env: []string{"COOKIE_SECRET=0123456789abcdef", "DATA_DIR=" + dir}})
	keys, err := s.Keys()
	if err != nil || string(keys.Cookie) != "0123456789abcdef" {
		t.Errorf("keys %q, %v", keys.Cookie, err)
	}
	kept, err := Secrets(dir)
	if err != nil || kept.Fingerprint() == keys.Fingerprint() {
		t.Errorf("fingerprints do not tell keys apart (%v)", err)
	}
}
