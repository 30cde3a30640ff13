package search

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// host is where a worker is, and what it told of its host, as it was read.
type host struct {
	place int32
	told  []byte
}

// hostColumns are the columns with what a worker tells of its host.
var hostColumns = []Column{Name, InstanceARN, InstanceType}

// putWorker adds a worker or gives it other values.
func (q *queue) putWorker(w *row.Worker) {
	r := &record{id: w.WorkerID}
	r.setShort(Status, q.texts.number(w.Status.String()))
	r.setShort(CreatedBy, q.texts.number(w.CreatedBy))
	r.setShort(UpdatedBy, q.texts.number(w.UpdatedBy))
	r.setLong(CreatedAt, w.CreatedAt)
	r.setLong(UpdatedAt, w.UpdatedAt)
	known, is := q.hosts[w.WorkerID]
	switch {
	case !is:
		q.readHost(r, w.HostProperties)
		q.hosts[w.WorkerID] = host{q.workers.add(r), w.HostProperties}
		return
	case bytes.Equal(known.told, w.HostProperties): // as nearly always: workers change their status all the time
		c, at := q.workers.chunkOf(known.place)
		for _, column := range hostColumns {
			r.setShort(column, c.shorts(column)[at])
		}
	default:
		q.readHost(r, w.HostProperties)
		q.hosts[w.WorkerID] = host{known.place, w.HostProperties}
		q.replaced++
	}
	q.workers.update(known.place, r)
}

// readHost reads the properties of a host, as they are stored. Those that cannot be read are left out.
func (q *queue) readHost(r *record, properties []byte) {
	var told struct {
		HostName     string `json:"hostName"`
		InstanceARN  string `json:"ec2InstanceArn"`
		InstanceType string `json:"ec2InstanceType"`
		Addresses    struct {
			V4 []string `json:"ipV4Addresses"`
			V6 []string `json:"ipV6Addresses"`
		} `json:"ipAddresses"`
	}
	_ = json.Unmarshal(properties, &told)
	r.setShort(Name, q.texts.number(told.HostName))
	r.setShort(InstanceARN, q.texts.number(told.InstanceARN))
	r.setShort(InstanceType, q.texts.number(told.InstanceType))
	r.parameters = []int32{}
	for _, address := range slices.Concat(told.Addresses.V4, told.Addresses.V6) {
		r.parameters = append(r.parameters, q.values.number(value{value: q.texts.number(address)}))
	}
}

// removeWorker takes a worker away.
func (q *queue) removeWorker(id string) {
	if of, is := q.hosts[id]; is {
		delete(q.hosts, id)
		q.workers.remove(of.place)
	}
}
