package config

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SecretsFile is the file in the data folder that keeps what Secrets makes.
const SecretsFile = "secrets"

// Keys are the secrets that a server cannot do without.
type Keys struct {
	// Cookie signs sessions; at least 16 bytes.
	Cookie []byte
}

// Keys gives the configured secrets and takes missing ones from DataDir (see Secrets).
func (s *Settings) Keys() (Keys, error) {
	if s.CookieSecret != "" {
		return Keys{Cookie: []byte(s.CookieSecret)}, nil
	}
	return Secrets(s.DataDir)
}

// Fingerprint tells keys apart without giving anything of them away.
func (k Keys) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("kartoteka keys\x00"), k.Cookie...))
	return hex.EncodeToString(sum[:8])
}

// Derive makes a secret for one purpose of the keys.
func (k Keys) Derive(purpose string) []byte {
	h := hmac.New(sha256.New, k.Cookie)
	h.Write([]byte("kartoteka\x00" + purpose))
	return h.Sum(nil)
}

// Secrets reads the secrets kept in dir. On the first start it makes the
// folder (mode 0700) and the file (mode 0600). Processes that start at the same
// time agree on one file, and a crash leaves either none or a whole one.
func Secrets(dir string) (Keys, error) {
	name := filepath.Join(dir, SecretsFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createSecrets(dir, name); err != nil {
			return Keys{}, fmt.Errorf("make secrets: %w", err)
		}
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read secrets: %w", err)
	}
	return parseSecrets(name, data)
}

func parseSecrets(name string, data []byte) (Keys, error) {
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "COOKIE_SECRET="); ok {
			key, err := hex.DecodeString(text)
			if err == nil && len(key) >= 16 {
				return Keys{Cookie: key}, nil
			}
		}
	}
	return Keys{}, fmt.Errorf("%s has no valid COOKIE_SECRET: restore the file, or remove it to get a new one (everybody logs in again)", name)
}

// createSecrets writes a temporary file whole and links it to its name, which
// fails when another process was first: then the other's file counts.
func createSecrets(dir, name string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, SecretsFile+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := writeSecrets(tmp); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func writeSecrets(f *os.File) error {
	key := make([]byte, 32)
	rand.Read(key) // never fails: the runtime ends the program instead
	var b bytes.Buffer
	b.WriteString("# Made on the first start. Keep it with the backups; whoever reads it can forge sessions.\n")
	fmt.Fprintf(&b, "COOKIE_SECRET=%x\n", key)
	_, err := f.Write(b.Bytes())
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes the new name itself survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
