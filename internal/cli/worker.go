package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/worker"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// workerSettings are what dev and worker differ in.
type workerSettings struct {
	aws             aws.Config
	farmID, fleetID string
	stateDir        string
	logger          *slog.Logger
	sessionRoot     string
	amounts         map[string]float64
	attributes      map[string][]string
	asAgentUser     bool
	jobUser         *process.User
	retainDirs      bool
}

func runWorker(ctx context.Context, s workerSettings) error {
	w, err := worker.New(worker.Config{
		AWS: s.aws, FarmID: s.farmID, FleetID: s.fleetID, StateDir: s.stateDir, SessionRoot: s.sessionRoot,
		Amounts: s.amounts, Attributes: s.attributes, RunJobsAsAgentUser: s.asAgentUser, JobUser: s.jobUser, RetainSessionDir: s.retainDirs, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	defer hurryOnSignal(ctx, w)()
	err = w.Run(ctx)
	if errors.Is(err, worker.ErrShutdown) { // it is surplus
		s.logger.LogAttrs(ctx, slog.LevelInfo, "the service asked the worker to stop")
		return nil
	}
	return err
}

// hurryOnSignal makes a signal that comes while the worker drains cut the drain short; the one after that has its default effect.
func hurryOnSignal(ctx context.Context, w *worker.Worker) (done func()) {
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	unregister := context.AfterFunc(ctx, func() {
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			w.Hurry()
		case <-over:
		}
	})
	return func() {
		unregister()
		close(over)
	}
}

type workerFlags struct {
	farmID, fleetID, stateDir, sessionRoot, logLevel string
	jobUser                                          string
	amounts, attributes                              []string
	asAgentUser, retainDirs                          bool
	untilInputEnds                                   bool
}

func (a *app) workerCommand() *cobra.Command {
	var flags workerFlags
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run a worker",
		Long: `Runs a worker agent: it registers this machine with a fleet, runs the sessions it is given and reports on them. It talks to
Farmhand or to AWS, with the credentials and the endpoint that the AWS environment variables and configuration files name.

SIGTERM drains it: what runs is interrupted and given to others. A second one cuts the drain short.`,
		Args: noArgs,
	}
	f := cmd.Flags()
	f.StringVar(&flags.farmID, "farm-id", "", "the farm (default: "+envFarmID+", else the farm that runs in --data-dir)")
	f.StringVar(&flags.fleetID, "fleet-id", "", "the fleet (default: "+envFleetID+", else the fleet of the farm in --data-dir)")
	f.StringVar(&flags.stateDir, "state-dir", "farmhand-worker", "where the worker keeps its id; one directory per worker")
	f.StringVar(&flags.sessionRoot, "session-root-dir", "", "the directory of sessions (default: in the system's temporary directory)")
	f.StringArrayVar(&flags.amounts, "amount", nil, "a further capability, amount.NAME=VALUE; may be repeated")
	f.StringArrayVar(&flags.attributes, "attribute", nil, "a further capability, attr.NAME=VALUE[,VALUE]; may be repeated")
	f.BoolVar(&flags.asAgentUser, "run-jobs-as-agent-user", false, "run jobs as this user, whatever their queue configures")
	f.StringVar(&flags.jobUser, "posix-job-user", "", "run jobs as this user, USER or USER:GROUP, whatever their queue configures")
	f.BoolVar(&flags.retainDirs, "retain-session-dir", false, "keep the directories of sessions")
	f.BoolVar(&flags.untilInputEnds, "until-input-ends", false, "drain when the standard input ends, too: for programs that start workers")
	f.StringVar(&flags.logLevel, "log-level", "info", "debug, info, warn or error")
	cmd.MarkFlagsMutuallyExclusive("run-jobs-as-agent-user", "posix-job-user")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.worker(cmd.Context(), &flags) }
	return cmd
}

func (a *app) worker(ctx context.Context, flags *workerFlags) error {
	logger, err := a.logger(flags.logLevel)
	if err != nil {
		return err
	}
	settings := workerSettings{
		stateDir: flags.stateDir, sessionRoot: flags.sessionRoot, asAgentUser: flags.asAgentUser, retainDirs: flags.retainDirs, logger: logger,
	}
	if settings.amounts, err = parseAmounts(flags.amounts); err != nil {
		return err
	}
	if settings.attributes, err = parseAttributes(flags.attributes); err != nil {
		return err
	}
	if flags.jobUser != "" {
		name, group, _ := strings.Cut(flags.jobUser, ":")
		if settings.jobUser, err = process.LookupUser(name, group); err != nil {
			return &usageError{fmt.Errorf("--posix-job-user: %w", err), "name a user of this host, or USER:GROUP"}
		}
	}
	if flags.untilInputEnds {
		ctx = a.untilEOF(ctx)
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	settings.aws = c.config
	settings.farmID = firstOf(flags.farmID, os.Getenv(envFarmID))
	settings.fleetID = firstOf(flags.fleetID, os.Getenv(envFleetID))
	if c.local != nil {
		settings.farmID, settings.fleetID = firstOf(settings.farmID, c.local.FarmID), firstOf(settings.fleetID, c.local.FleetID)
	}
	if settings.farmID == "" || settings.fleetID == "" {
		return &usageError{errors.New("which farm and fleet is not known"), "name them with --farm-id and --fleet-id"}
	}
	return runWorker(ctx, settings)
}

func parseAmounts(texts []string) (map[string]float64, error) {
	amounts := make(map[string]float64, len(texts))
	for _, text := range texts {
		name, value, _ := strings.Cut(text, "=")
		number, err := strconv.ParseFloat(value, 64)
		if err != nil || !strings.HasPrefix(name, "amount.") {
			return nil, &usageError{fmt.Errorf("--amount %q is not a capability", text), "write it as amount.NAME=NUMBER"}
		}
		amounts[name] = number
	}
	return amounts, nil
}

func parseAttributes(texts []string) (map[string][]string, error) {
	attributes := make(map[string][]string, len(texts))
	for _, text := range texts {
		name, value, _ := strings.Cut(text, "=")
		if value == "" || !strings.HasPrefix(name, "attr.") {
			return nil, &usageError{fmt.Errorf("--attribute %q is not a capability", text), "write it as attr.NAME=VALUE"}
		}
		attributes[name] = strings.Split(value, ",")
	}
	return attributes, nil
}
