package server

import (
	"context"
	"path/filepath"
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/config"
)

// filesDir is the folder of files' contents, in a data folder and in a backup.
const filesDir = "files"

// contentsDir is the folder of files' contents that the settings name.
func contentsDir(s *config.Settings) string {
	if s.S3DataPath != "" {
		return s.S3DataPath
	}
	return filepath.Join(s.DataDir, filesDir)
}

// openContents opens where contents are kept: in an external store, or in the
// folder dir.
func openContents(s *config.Settings, dir string) (blob.Store, func() error, error) {
	if s.S3Local {
		folder, err := blob.OpenFolder(dir)
		if err != nil {
			return nil, nil, err
		}
		return folder, folder.Close, nil
	}
	external, err := blob.OpenS3(blob.S3Options{
		Host:    s.S3Host,
		Port:    s.S3Port,
		Secure:  s.S3HTTPS,
		Region:  s.S3Region,
		Bucket:  s.S3Bucket,
		KeyID:   s.S3Key,
		Secret:  s.S3Secret,
		Waiting: s.DataDir,
	})
	return external, func() error { return nil }, err
}

// storeTimeout is how long a start waits for the external store's answer.
const storeTimeout = 5 * time.Second

// tryContents warns of an external store that cannot be used: records can.
func (a *App) tryContents(ctx context.Context) {
	external, ok := a.contents.(*blob.S3)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := external.Check(ctx); err != nil {
		a.Log.WarnContext(ctx, "files.unreachable", "module", "Server", "error", err)
	}
}

// openFiles opens the company's files.
func (a *App) openFiles(keys config.Keys) (o catalog.FileOptions, err error) {
	s := a.Settings
	contents, closing, err := openContents(s, contentsDir(s))
	if err != nil {
		return o, err
	}
	a.closers = append(a.closers, closing)
	a.contents = contents
	secret := []byte(s.S3Secret)
	if s.S3Secret == "" {
		secret = keys.Derive("upload policies")
	}
	return catalog.FileOptions{
		Contents: contents,
		Signer:   &blob.Signer{KeyID: s.S3Key, Secret: secret, LinkSecret: keys.Derive("file links"), Bucket: s.S3Bucket},
		Company:  int64(company),
		Max:      s.FileMaxSize,
		Upload:   s.FileUploadTTL,
		Link:     s.FileURLTTL,
	}, nil
}
