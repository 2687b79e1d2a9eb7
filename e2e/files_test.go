package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// TestNpmClientFiles uploads, attaches and downloads files with the published
// client (js/files.mjs).
func TestNpmClientFiles(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "files.mjs")
		if out := s.run("check"); !strings.Contains(out, "No problems found") {
			t.Errorf("check: %s", out)
		}
		s.stop()
	})
}

// TestNpmClientFilesOnS3 is TestNpmClientFiles with the files in a bucket.
func TestNpmClientFilesOnS3(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db, newBucket(t)...)
		node(t, s, "files.mjs")
		if out := s.run("check"); !strings.Contains(out, "No problems found") {
			t.Errorf("check: %s", out)
		}
		s.stop()
		if _, err := os.Stat(filepath.Join(s.dir, "files")); !os.IsNotExist(err) {
			t.Errorf("there is a folder of files: %v", err)
		}
	})
}

// newBucket makes a bucket and gives the settings for it.
func newBucket(t *testing.T) (env []string) {
	t.Helper()
	u, err := url.Parse(os.Getenv("KARTOTEKA_TEST_S3"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Host == "" {
		t.Skip("KARTOTEKA_TEST_S3 is not set: scripts/s3.sh run -- ... sets it")
	}
	key := u.User.Username()
	secret, _ := u.User.Password()
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(key, secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	bucket := "e2e-" + strings.ToLower(rand.Text())
	if err := client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return []string{"S3_LOCAL=false", "S3_HOST=" + u.Hostname(), "S3_PORT=" + u.Port(), "S3_BUCKET=" + bucket, "S3_KEY=" + key, "S3_SECRET=" + secret}
}

// uploadSize is the size of a large upload in megabytes.
func uploadSize(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("KARTOTEKA_TEST_UPLOAD_MB")
	if text == "" {
		return 200
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// zeros are so many bytes.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.left))
	clear(p[:n])
	z.left -= int64(n)
	return n, nil
}

// TestLargeUpload: a large file comes in and goes out in little memory.
func TestLargeUpload(t *testing.T) {
	s := serve(t, sqlite)
	size := uploadSize(t) << 20
	boss := s.admin()
	made := decode[struct {
		FileID    int64
		Key       string `json:"fileKey"`
		UploadURL string
		AccessKey string `json:"AWSAccessKeyId"`
		Policy    string `json:"police"`
		Signature string
	}](t, boss.call(t, http.StatusOK, "POST", "/api/v1/files/", object{"name": "large.bin"}))
	before := s.peakMemory()
	if res := s.post(made.UploadURL, size, "key", made.Key, "acl", "private", "AWSAccessKeyId", made.AccessKey,
		"Policy", made.Policy, "Signature", made.Signature, "Content-Type", ""); res != http.StatusNoContent {
		t.Fatalf("upload: %d", res)
	}
	f := decode[struct {
		URL  string
		Size int64
	}](t, boss.call(t, http.StatusOK, "PATCH", fmt.Sprint("/api/v1/files/", made.FileID), object{"url": made.Key}))
	if f.Size != size {
		t.Fatalf("%+v", f)
	}
	res, err := http.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size {
		t.Errorf("downloaded %d bytes: %v", n, err)
	}
	after := s.peakMemory()
	t.Logf("peak memory %d MB, %d MB before", after>>20, before>>20)
	if after-before > 64<<20 {
		t.Errorf("the upload took %d MB of memory", (after-before)>>20)
	}
	s.stop()
}

// post sends a form with fields (pairs) and a file of that size.
func (s *server) post(url string, size int64, pairs ...string) (status int) {
	s.t.Helper()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := form.CreateFormFile("file", "file.json"); err != nil {
		s.t.Fatal(err)
	}
	tail := strings.NewReader("\r\n--" + form.Boundary() + "--\r\n")
	all := int64(head.Len()) + size + tail.Size()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", url, io.MultiReader(&head, &zeros{size}, tail))
	if err != nil {
		s.t.Fatal(err)
	}
	r.ContentLength = all
	r.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// peakMemory is the most that the server's process has had, in bytes; 0 where
// that cannot be told.
func (s *server) peakMemory() int64 {
	s.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return kilobytes << 10
}
