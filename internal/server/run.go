package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/httpkit"
)

// Run serves until ctx ends; then requests drain first and background work,
// which they may still need, ends after them; calls of operators' commands end
// at once. It calls ready with the address of the APIs when all listeners are
// open.
func (a *App) Run(ctx context.Context, ready func(net.Addr)) error {
	listeners, err := a.listen(ctx)
	if err != nil {
		return err
	}
	ready(listeners[len(listeners)-1].Addr())
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var upkeep errgroup.Group
	upkeep.Go(func() error { a.tryContents(background); return nil })
	for _, run := range []func(context.Context) error{a.Accounts.Run, a.Catalog.Run, a.Catalog.RunColumns, a.company.RunSequence, a.runStatistics, a.hooks.Run, a.schedules.Run, a.journal.Run, a.tidySyncLog, a.keepSyncUses} {
		upkeep.Go(func() error { return run(background) })
	}
	if a.resets != nil {
		upkeep.Go(func() error { return a.resets.run(background) })
	}
	serving, ctx := errgroup.WithContext(ctx)
	// Streams end at once: their listeners come back to whoever answers then.
	serving.Go(func() error { return a.streams.Run(ctx) })
	for _, l := range listeners {
		a.Log.InfoContext(ctx, "server.start", "module", "Server", "address", l.Addr().String(), "version", a.Version)
		s := httpkit.NewServer(l.handler, a.Log)
		if l.operators {
			s.BaseContext = func(net.Listener) context.Context { return ctx }
		}
		serving.Go(func() error { return httpkit.Serve(ctx, s, l) })
	}
	err = serving.Wait()
	stop()
	err = errors.Join(err, upkeep.Wait())
	a.Log.InfoContext(background, "server.stop", "module", "Server")
	return err
}

// listener is an open listener and what answers on it.
type listener struct {
	net.Listener
	handler   http.Handler
	operators bool
}

// listen opens every listener before anything is served, so that a start that
// cannot succeed has no effect. The one with the APIs is the last.
func (a *App) listen(ctx context.Context) ([]listener, error) {
	if a.Settings.HTTPS {
		if _, err := certificate(a.Settings)(nil); err != nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
	}
	var open []listener
	for _, p := range a.plans() {
		l, err := net.Listen("tcp", p.address)
		if err != nil {
			for _, l := range open {
				_ = l.Close()
			}
			return nil, fmt.Errorf("open the listener: %w", err)
		}
		if p.tls != nil {
			l = tls.NewListener(l, p.tls)
		}
		open = append(open, listener{Listener: l, handler: p.handler})
	}
	if len(open) == 0 {
		return nil, errors.New("PORT_HTTP and PORT_HTTPS leave nothing to listen on")
	}
	a.opened(open)
	return append(a.listenOperators(ctx), open...), nil
}

// listenOperators opens the data folder's socket. Where that is not possible
// the server works all the same; commands have to wait until it stops.
func (a *App) listenOperators(ctx context.Context) []listener {
	if a.Settings.DBConnection != "" {
		return nil
	}
	l, err := adminapi.Listen(a.Settings.DataDir)
	if err != nil {
		a.Log.WarnContext(ctx, "operator.unreachable", "module", "Server", "error", err)
		return nil
	}
	return []listener{{l, unlimited(adminapi.Handler(a.Tools())), true}}
}

// unlimited lets operators' calls take as long as they need.
func unlimited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := httpkit.Extend(w, 0); err != nil {
			http.Error(w, "no deadline can be set", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// plan is a listener to open.
type plan struct {
	address string
	tls     *tls.Config // nil for plain HTTP
	handler http.Handler
}

// plans lists the listeners that the settings ask for.
func (a *App) plans() []plan {
	s, handler := a.Settings, a.Handler()
	var secure *tls.Config
	if s.HTTPS {
		secure = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate(s)}
	}
	if s.Listen != "" {
		return []plan{{s.Listen, secure, handler}}
	}
	var all []plan
	if s.PortHTTP != 0 {
		plain := handler
		if s.HTTPS && s.HTTPSForce {
			plain = redirect(s)
		}
		all = append(all, plan{net.JoinHostPort("", strconv.Itoa(s.PortHTTP)), nil, plain})
	}
	if secure != nil && s.PortHTTPS != 0 {
		all = append(all, plan{net.JoinHostPort("", strconv.Itoa(s.PortHTTPS)), secure, handler})
	}
	return all
}

// certificate reads the files at each handshake, so that a renewed certificate
// needs no restart.
func certificate(s *config.Settings) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(s.HTTPSCertificate, s.HTTPSKey)
		return &c, err
	}
}

// redirect sends everything to HTTPS; 308 keeps the method and the body.
func redirect(s *config.Settings) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := bareHost(r.Host)
		if name == "" { // HTTP/1.0
			name = bareHost(s.Host)
		}
		if name == "" {
			http.Error(w, "no Host", http.StatusBadRequest)
			return
		}
		host := net.JoinHostPort(name, strconv.Itoa(s.PortHTTPS))
		if s.PortHTTPS == 443 {
			host = strings.TrimSuffix(host, ":443")
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
}

// bareHost is a host without its port and the brackets of IPv6.
func bareHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
