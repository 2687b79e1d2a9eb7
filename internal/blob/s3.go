package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options name a bucket of an external store. All but Region are required.
type S3Options struct {
	Host   string
	Port   int
	Secure bool // TLS
	Region string
	Bucket string
	KeyID  string
	Secret string
	// Waiting is a folder on a disk for contents that are still arriving.
	Waiting string
}

// S3 is a Store in a bucket of a store that speaks S3's protocol. Keys are the
// names of objects. A content arrives in a file first, so that nothing of one that
// breaks off, or is refused at its end, gets into the store.
type S3 struct {
	client  *minio.Client
	bucket  string
	waiting string
}

// ErrNoBucket says that the store does not have the bucket.
var ErrNoBucket = errors.New("blob: the store has no such bucket")

// OpenS3 makes the store's client; it asks the store for nothing.
func OpenS3(o S3Options) (*S3, error) {
	transport, err := minio.DefaultTransport(o.Secure)
	if err != nil {
		return nil, fmt.Errorf("open the store of files: %w", err)
	}
	transport.Proxy = nil // proxies are settings, not surroundings
	client, err := minio.New(net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), &minio.Options{
		Creds:     credentials.NewStaticV4(o.KeyID, o.Secret, ""),
		Secure:    o.Secure,
		Region:    o.Region,
		Transport: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store of files: %w", err)
	}
	return &S3{client, o.Bucket, o.Waiting}, nil
}

// Check tells whether the store can be used: it fails with ErrNoBucket, or because
// it does not answer or refuses the key.
func (s *S3) Check(ctx context.Context) error {
	ok, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil {
		return fmt.Errorf("ask the store of files for its bucket: %w", err)
	}
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoBucket, s.bucket)
	}
	return nil
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, r io.Reader) (n int64, err error) {
	if !ValidKey(key) {
		return 0, fmt.Errorf("put %q: not a key", key)
	}
	file, err := os.CreateTemp(s.waiting, "arriving-*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("put a content: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), gone(os.Remove(file.Name()))) }()
	_ = os.Remove(file.Name()) // where that is possible, a crash leaves nothing
	if n, err = io.Copy(file, r); err != nil {
		return 0, fmt.Errorf("put a content: %w", err)
	}
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("put a content: %w", err)
	}
	_, err = s.client.PutObject(ctx, s.bucket, key, file, n, minio.PutObjectOptions{ContentType: unknownType, NumThreads: 1})
	if err != nil {
		return 0, fmt.Errorf("put a content into the store: %w", err)
	}
	return n, nil
}

func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, key string) (*Content, error) {
	if !ValidKey(key) {
		return nil, ErrNotFound
	}
	object, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, asked(err)
	}
	info, err := object.Stat()
	if err != nil {
		return nil, errors.Join(asked(err), object.Close())
	}
	return &Content{object, info.Size, info.LastModified}, nil
}

// asked turns the store's refusal into what callers know.
func asked(err error) error {
	if r := minio.ToErrorResponse(err); r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket {
		return ErrNotFound
	}
	return fmt.Errorf("ask the store of files: %w", err)
}

// Size implements Store.
func (s *S3) Size(ctx context.Context, key string) (int64, error) {
	if !ValidKey(key) {
		return 0, ErrNotFound
	}
	info, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return 0, asked(err)
	}
	return info.Size, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if !ValidKey(key) {
		return nil
	}
	if err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete a content in the store: %w", err)
	}
	return nil
}

// Walk implements Store.
func (s *S3) Walk(ctx context.Context, company int64, each func(Object) error) error {
	prefix := strconv.FormatInt(company, 10) + "/"
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("list the store of files: %w", o.Err)
		}
		if !ValidKey(o.Key) {
			continue
		}
		if err := each(Object{o.Key, o.Size, o.LastModified}); err != nil {
			return fmt.Errorf("walk through the contents: %w", err)
		}
	}
	return nil
}

// Sweep implements Store: parts of large contents that never became whole.
func (s *S3) Sweep(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the list
	for upload := range s.client.ListIncompleteUploads(ctx, s.bucket, "", true) {
		if upload.Err != nil {
			return fmt.Errorf("list what is incomplete in the store of files: %w", upload.Err)
		}
		if !ValidKey(upload.Key) || now.Sub(upload.Initiated) < keepArriving {
			continue
		}
		if err := s.client.RemoveIncompleteUpload(ctx, s.bucket, upload.Key); err != nil {
			return fmt.Errorf("remove what is incomplete in the store of files: %w", err)
		}
	}
	return nil
}
