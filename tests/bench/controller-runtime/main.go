// The least that a Go operator of EtcdRestore objects can be, to measure ours beside it: controller-runtime's
// manager, leader election, metrics and probes; one controller that says in the status which generation it saw.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var kind = schema.GroupVersionKind{Group: "etcdrestore.io", Version: "v1alpha1", Kind: "EtcdRestore"}

func restore() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}

type reconciler struct{ client.Client }

// Reconcile writes the status when a new generation is seen, and nothing when it is known.
func (r reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	seen := restore()
	if err := r.Get(ctx, request.NamespacedName, seen); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	observed, _, _ := unstructured.NestedInt64(seen.Object, "status", "observedGeneration")
	if observed == seen.GetGeneration() {
		return reconcile.Result{}, nil
	}
	status := restore()
	status.SetNamespace(seen.GetNamespace())
	status.SetName(seen.GetName())
	status.Object["status"] = map[string]any{"observedGeneration": seen.GetGeneration(), "phase": "Pending"}
	apply := client.ApplyConfigurationFromUnstructured(status)
	return reconcile.Result{}, r.Status().Apply(ctx, apply, client.FieldOwner("bench"), client.ForceOwnership)
}

func run(metricsAddress, probeAddress string, workers int) error {
	access, err := config.GetConfig()
	if err != nil {
		return err
	}
	access.QPS = -1 // no limit of the client's own: only the work is measured
	mgr, err := manager.New(access, manager.Options{
		Metrics:                       server.Options{BindAddress: metricsAddress},
		HealthProbeBindAddress:        probeAddress,
		LeaderElection:                true,
		LeaderElectionID:              "bench-operator",
		LeaderElectionNamespace:       "etcdrestore-system",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	// The informer is wanted from the start, not only when this process leads: ready is synced.
	if _, err := mgr.GetCache().GetInformer(context.Background(), restore(), cache.BlockUntilSynced(false)); err != nil {
		return err
	}
	synced := func(*http.Request) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("not synced")
		}
		return nil
	}
	if err := mgr.AddReadyzCheck("synced", synced); err != nil {
		return err
	}
	err = builder.ControllerManagedBy(mgr).Named("etcdrestore").
		For(restore(), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconciler{mgr.GetClient()})
	if err != nil {
		return err
	}
	return mgr.Start(signals.SetupSignalHandler())
}

func main() {
	metricsAddress := flag.String("metrics-bind-address", "127.0.0.1:0", "")
	probeAddress := flag.String("health-probe-bind-address", "127.0.0.1:0", "")
	workers := flag.Int("max-concurrent-reconciles", 4, "")
	flag.Parse() // --kubeconfig is controller-runtime's own
	log.SetLogger(zap.New())
	if err := run(*metricsAddress, *probeAddress, *workers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
