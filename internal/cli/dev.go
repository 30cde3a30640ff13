package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

type devFlags struct {
	serverFlags
	workers   int
	readyFile string
	bucket    string
}

func (a *app) devCommand() *cobra.Command {
	var flags devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole farm in this process",
		Long: `Runs a whole farm in this process: the service and workers, on the data directory. The first start makes a farm, a queue with
a bucket for job attachments, a fleet and their association. Jobs run as the user who started it.`,
		Args: noArgs,
	}
	flags.add(cmd, time.Second, providerLocal)
	cmd.Flags().IntVar(&flags.workers, "workers", 1, "how many workers to run; 0 for none")
	cmd.Flags().StringVar(&flags.readyFile, "ready-file", "", "write how to reach the farm to this file once everything answers")
	cmd.Flags().StringVar(&flags.bucket, "bucket", devBucket, "the bucket for job attachments that the first start makes for its queue")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.dev(cmd.Context(), &flags) }
	return cmd
}

func (a *app) dev(ctx context.Context, flags *devFlags) error {
	if flags.workers < 0 {
		return &usageError{errors.New("--workers must not be negative"), "use 0 for none"}
	}
	if err := flags.checkProvider(); err != nil {
		return err
	}
	logger, err := a.logger(flags.logLevel)
	if err != nil {
		return err
	}
	// Workers drain before the service goes, so that it learns what became of their work.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	return a.serve(serving, &flags.serverFlags, logger, func(served context.Context, e *endpoint) error {
		defer stopServing()
		return a.runDev(ctx, served, e, flags, logger)
	})
}

// runDev makes the farm and runs its workers until ctx ends or the service does.
func (a *app) runDev(ctx, served context.Context, e *endpoint, flags *devFlags, logger *slog.Logger) error {
	c := e.client()
	if err := e.makeFarm(served, c, flags.bucket); err != nil {
		return fmt.Errorf("make the farm: %w", err)
	}
	if err := e.write(a.endpointPath()); err != nil {
		return err
	}
	if flags.readyFile != "" {
		if err := e.write(flags.readyFile); err != nil {
			return err
		}
		defer os.Remove(flags.readyFile) //nolint:errcheck // it may be gone already
	}
	logger.LogAttrs(served, slog.LevelInfo, "the farm is ready", slog.String("farm_id", e.FarmID),
		slog.String("queue_id", e.QueueID), slog.String("fleet_id", e.FleetID), slog.Int("workers", flags.workers))

	running, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(served, stop)
	workers, workersCtx := errgroup.WithContext(running)
	for n := range flags.workers {
		workers.Go(func() error {
			return runWorker(workersCtx, workerSettings{
				aws: e.awsConfig(), farmID: e.FarmID, fleetID: e.FleetID,
				stateDir: filepath.Join(a.global.dataDir, "workers", fmt.Sprint(n+1)), logger: logger.With(slog.Int("worker", n+1)),
			})
		})
	}
	workers.Go(func() error { return a.provision(workersCtx, e, &flags.serverFlags, logger) })
	<-workersCtx.Done()
	return workers.Wait()
}

func (e *endpoint) awsConfig() aws.Config {
	return aws.Config{
		Region: e.Region, BaseEndpoint: &e.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, ""),
	}
}

func (e *endpoint) client() *client.Client { return client.New(e.awsConfig()) }

// The display names of what the first start makes.
const (
	devFarm  = "Farmhand"
	devQueue = "Queue"
	devFleet = "Fleet"
)

// Where the queue of the first start keeps job attachments. The prefix is the one that AWS's console proposes.
const (
	devBucket     = "farmhand"
	devRootPrefix = "DeadlineCloud"
)

// makeFarm finds the farm, queue and fleet of the first start, or makes them.
func (e *endpoint) makeFarm(ctx context.Context, c *client.Client, bucket string) (err error) {
	farms, err := c.ListFarms(ctx, &deadline.ListFarmsInput{})
	if err != nil {
		return err
	}
	if len(farms.Farms) > 0 {
		e.FarmID = farms.Farms[0].FarmId
		return e.findFarm(ctx, c, bucket)
	}
	farm, err := c.CreateFarm(ctx, &deadline.CreateFarmInput{DisplayName: devFarm})
	if err != nil {
		return err
	}
	e.FarmID = farm.FarmId
	return e.completeFarm(ctx, c, bucket)
}

// findFarm takes the oldest queue and fleet of the farm. What an interrupted first start left out is made.
func (e *endpoint) findFarm(ctx context.Context, c *client.Client, bucket string) error {
	queues, err := c.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: e.FarmID})
	if err != nil {
		return err
	}
	if len(queues.Queues) > 0 {
		e.QueueID = queues.Queues[0].QueueId
		if err := e.completeQueue(ctx, c, bucket); err != nil {
			return err
		}
	}
	fleets, err := c.ListFleets(ctx, &deadline.ListFleetsInput{FarmId: e.FarmID})
	if err != nil {
		return err
	}
	if len(fleets.Fleets) > 0 {
		e.FleetID = fleets.Fleets[0].FleetId
	}
	if e.QueueID != "" && e.FleetID != "" {
		associations, err := c.ListQueueFleetAssociations(ctx, &deadline.ListQueueFleetAssociationsInput{FarmId: e.FarmID})
		if err != nil || len(associations.QueueFleetAssociations) > 0 {
			return err
		}
	}
	return e.completeFarm(ctx, c, bucket)
}

// The roles of what the first start makes: names, to which the installation gives their meaning.
const (
	devQueueRole = "arn:aws:iam::000000000000:role/farmhand-queue"
	devFleetRole = "arn:aws:iam::000000000000:role/farmhand-fleet"
)

func attachmentSettings(bucket string) *deadline.JobAttachmentSettings {
	return &deadline.JobAttachmentSettings{S3BucketName: bucket, RootPrefix: devRootPrefix}
}

// completeQueue gives a queue of an earlier release the job attachments that it was made without, and makes sure of its bucket.
func (e *endpoint) completeQueue(ctx context.Context, c *client.Client, bucket string) error {
	queue, err := c.GetQueue(ctx, &deadline.GetQueueInput{FarmId: e.FarmID, QueueId: e.QueueID})
	if err != nil {
		return err
	}
	if queue.JobAttachmentSettings != nil && queue.JobAttachmentSettings.S3BucketName != bucket {
		return nil // somebody chose another one
	}
	if err := e.ensureBucket(ctx, bucket); err != nil {
		return fmt.Errorf("make bucket %s: %w", bucket, err)
	}
	if queue.JobAttachmentSettings != nil {
		return nil
	}
	in := &deadline.UpdateQueueInput{FarmId: e.FarmID, QueueId: e.QueueID, JobAttachmentSettings: attachmentSettings(bucket)}
	if queue.RoleArn == nil {
		in.RoleArn = new(devQueueRole)
	}
	_, err = c.UpdateQueue(ctx, in)
	return err
}

// completeFarm makes what is not there yet.
func (e *endpoint) completeFarm(ctx context.Context, c *client.Client, bucket string) error {
	if e.QueueID == "" {
		if err := e.ensureBucket(ctx, bucket); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucket, err)
		}
		queue, err := c.CreateQueue(ctx, &deadline.CreateQueueInput{
			FarmId: e.FarmID, DisplayName: devQueue,
			JobRunAsUser:          &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
			JobAttachmentSettings: attachmentSettings(bucket), RoleArn: new(devQueueRole),
		})
		if err != nil {
			return err
		}
		e.QueueID = queue.QueueId
	}
	if e.FleetID == "" {
		fleet, err := c.CreateFleet(ctx, &deadline.CreateFleetInput{
			FarmId: e.FarmID, DisplayName: devFleet, RoleArn: devFleetRole, MaxWorkerCount: 1000,
			Configuration: deadline.FleetConfiguration{CustomerManaged: &deadline.CustomerManagedFleetConfiguration{
				Mode:               deadline.AutoScalingModeNoScaling,
				WorkerCapabilities: hostCapabilities(),
			}},
		})
		if err != nil {
			return err
		}
		e.FleetID = fleet.FleetId
	}
	_, err := c.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{
		FarmId: e.FarmID, QueueId: e.QueueID, FleetId: e.FleetID,
	})
	return err
}

// hostCapabilities describes workers like this machine.
func hostCapabilities() deadline.CustomerManagedWorkerCapabilities {
	c := deadline.CustomerManagedWorkerCapabilities{
		VCpuCount: deadline.VCpuCountRange{Min: int32(min(runtime.NumCPU(), 10_000))},
		MemoryMiB: deadline.MemoryMiBRange{Min: 512},
		OsFamily:  deadline.CustomerManagedFleetOperatingSystemFamilyLinux, CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
	}
	switch runtime.GOOS {
	case "darwin":
		c.OsFamily = deadline.CustomerManagedFleetOperatingSystemFamilyMacos
	case "windows":
		c.OsFamily = deadline.CustomerManagedFleetOperatingSystemFamilyWindows
	}
	if runtime.GOARCH == "arm64" {
		c.CpuArchitectureType = deadline.CpuArchitectureTypeArm64
	}
	return c
}
