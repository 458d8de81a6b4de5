// Fills a shared informer of client-go with the pods on stdin, one line of a watch each, and prints what its heap
// holds for each of them. The peer of the memory bench. Talks to nobody.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
)

// A line of a watch.
type event struct {
	Object json.RawMessage `json:"object"`
}

// What is printed.
type report struct {
	Pods  int     `json:"pods"`
	Bytes float64 `json:"bytesPerPod"`
}

func main() {
	if err := run(len(os.Args) > 1 && os.Args[1] == "--drop-managed-fields"); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(drop bool) error {
	// The list is handed over as a whole: a list by watch needs a server.
	if err := os.Setenv("KUBE_FEATURE_WatchListClient", "false"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	source := &cache.ListWatch{
		ListWithContextFunc:  func(context.Context, metav1.ListOptions) (apiruntime.Object, error) { return read() },
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) { return watch.NewFake(), nil },
	}
	informer := cache.NewSharedIndexInformer(source, &corev1.Pod{}, 0, cache.Indexers{})
	if drop {
		if err := informer.SetTransform(strip); err != nil {
			return err
		}
	}
	before := heap()
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("the informer did not sync")
	}
	pods := len(informer.GetStore().ListKeys())
	if pods == 0 {
		return fmt.Errorf("no pods were read")
	}
	held := heap() - before
	runtime.KeepAlive(informer)
	return json.NewEncoder(os.Stdout).Encode(report{Pods: pods, Bytes: held / float64(pods)})
}

func strip(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return object, nil
}

// Every pod on stdin.
func read() (apiruntime.Object, error) {
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	decoder := scheme.Codecs.UniversalDeserializer()
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		var said event
		if err := json.Unmarshal(line, &said); err != nil {
			return nil, err
		}
		pod := corev1.Pod{}
		if _, _, err := decoder.Decode(said.Object, nil, &pod); err != nil {
			return nil, err
		}
		list.Items = append(list.Items, pod)
	}
}

// Live bytes on the heap.
func heap() float64 {
	var stats runtime.MemStats
	// What finalizers let go of is collected by the second.
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
