package server

import (
	"path/filepath"

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

// openFiles opens where contents are kept.
func (a *App) openFiles(keys config.Keys) (o catalog.FileOptions, err error) {
	s := a.Settings
	folder, err := blob.OpenFolder(contentsDir(s))
	if err != nil {
		return o, err
	}
	a.closers = append(a.closers, folder.Close)
	a.contents = folder
	secret := []byte(s.S3Secret)
	if s.S3Secret == "" {
		secret = keys.Derive("upload policies")
	}
	return catalog.FileOptions{
		Contents: folder,
		Signer:   &blob.Signer{KeyID: s.S3Key, Secret: secret, LinkSecret: keys.Derive("file links"), Bucket: s.S3Bucket},
		Company:  int64(company),
		Max:      s.FileMaxSize,
		Upload:   s.FileUploadTTL,
		Link:     s.FileURLTTL,
	}, nil
}
