package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/config"
	"kartoteka/internal/store"
)

// manifestFile lies in a backup, which is whole when it is there.
const manifestFile = "manifest.json"

// manifestFormat is raised when older programs could misread a backup.
const manifestFormat = 1

// manifest says what a backup consists of.
type manifest struct {
	Format  int          `json:"format"`
	Program string       `json:"program,omitempty"`
	Created time.Time    `json:"created"`
	Schemas schemas      `json:"schemas"`
	Files   []backupFile `json:"files"`
}

// schemas are the numbers of migrations that the databases have.
type schemas struct {
	Control int `json:"control"`
	Company int `json:"company"`
}

type backupFile struct {
	Path   string `json:"path"` // in the backup and in a data folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hexadecimal digits
}

func (m *manifest) bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

func knownSchemas() (s schemas, err error) {
	s.Control, s.Company, err = store.SQLiteSchemas()
	return s, err
}

// companyPath is the file of the company, in a data folder and in a backup.
func companyPath() string { return path.Join(companiesDir, fmt.Sprintf("%d.db", company)) }

// readManifest reads and checks what a backup says of itself.
func readManifest(dir string) (*manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no complete backup: it has no %s", dir, manifestFile)
	}
	if err != nil {
		return nil, err
	}
	m := new(manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", filepath.Join(dir, manifestFile), err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("the backup %s %w", dir, err)
	}
	return m, nil
}

func (m *manifest) check() error {
	known, err := knownSchemas()
	if err != nil {
		return err
	}
	if m.Format != manifestFormat || m.Schemas.Control > known.Control || m.Schemas.Company > known.Company {
		return errors.New("was made by a newer version of the program: restore it with that one")
	}
	paths := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		if paths[f.Path] || !restorable(f.Path) || f.Size < 0 {
			return fmt.Errorf("has a damaged manifest: it names the file %q", f.Path)
		}
		paths[f.Path] = true
	}
	for _, wanted := range []string{controlFile, companyPath()} {
		if !paths[wanted] {
			return fmt.Errorf("has a damaged manifest: it does not name %s", wanted)
		}
	}
	return nil
}

// restorable tells whether a data folder has a file of that path: a manifest
// must not lead anywhere else.
func restorable(name string) bool {
	if key, ok := strings.CutPrefix(name, filesDir+"/"); ok {
		return blob.ValidKey(key)
	}
	number, ok := strings.CutPrefix(name, companiesDir+"/")
	if !ok {
		return name == controlFile || name == config.SecretsFile
	}
	number, ok = strings.CutSuffix(number, ".db")
	n, err := strconv.ParseUint(number, 10, 31)
	return ok && err == nil && strconv.FormatUint(n, 10) == number
}
