using System.CommandLine;
using Convoy.Cli.Training;

namespace Convoy.Cli.Tests;

/// <summary>Command lines that were written for torchrun.</summary>
public sealed class TorchrunOptionTests
{
    // All that torchrun takes (torch/distributed/run.py), in the spelling with hyphens.
    private static readonly string[] Values =
    [
        "--nnodes", "--nproc-per-node", "--rdzv-backend", "--rdzv-endpoint", "--rdzv-id", "--rdzv-conf", "--max-restarts", "--monitor-interval", "--start-method", "--event-log-handler",
        "--role", "--log-dir", "--redirects", "-r", "--tee", "-t", "--local-ranks-filter", "--duplicate-stdout-filters", "--duplicate-stderr-filters", "--node-rank", "--master-addr", "--master-port",
        "--local-addr", "--logs-specs", "--numa-binding", "--signals-to-handle", "--shutdown-timeout",
    ];

    private static readonly string[] Flags = ["--standalone", "-m", "--module", "--no-python", "--run-path", "--virtual-local-rank"];

    public TorchrunOptionTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "The launched programs are of POSIX systems.");

    public static TheoryData<string> ValueNames() => [.. Spellings(Values)];

    public static TheoryData<string> FlagNames() => [.. Spellings(Flags)];

    [Theory]
    [MemberData(nameof(ValueNames))]
    public void Parse_OptionWithAValue_TakesOneInBothSpellings(string name)
    {
        foreach (string[] words in (string[][])[[name, "1"], [$"{name}=1"]])
        {
            ParseResult parsed = Program.Root(new Option<bool>("--verbose"), new TaskChoice([])).Parse(["launch", .. words, "--", "true", "1"]);

            Assert.Empty(parsed.Errors);
            Assert.Equal(["true", "1"], parsed.GetRequiredValue<string[]>("PROGRAM ARGS"));
        }
    }

    [Theory]
    [MemberData(nameof(FlagNames))]
    public void Parse_Flag_DoesNotTakeTheProgram(string name)
    {
        ParseResult parsed = Program.Root(new Option<bool>("--verbose"), new TaskChoice([])).Parse(["launch", name, "--", "true"]);

        Assert.Empty(parsed.Errors);
        Assert.Equal(["true"], parsed.GetRequiredValue<string[]>("PROGRAM ARGS"));
    }

    [Theory]
    [InlineData("--nproc_per_node=2", "--max_restarts=1")]
    [InlineData("--nproc_per_node", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0")]
    [InlineData("--standalone", "--nnodes=1", "--nproc_per_node=2")]
    [InlineData("--nnodes=1:1", "--nproc-per-node=2", "--node_rank=0", "--rdzv_backend=static", "--master_addr=localhost", "--master_port=0", "--rdzv_id=7")]
    [InlineData("--nproc_per_node=2", "--rdzv-conf", "join_timeout=60,last_call_timeout=1,is_host=1")]
    [InlineData("--nproc_per_node=2", "--role", "trainer", "--monitor_interval=5", "--start_method=spawn", "--no_python", "-t", "3", "-r", "0", "--local_ranks_filter=0,1")]
    public async Task Launch_TorchrunsOptions_StartTheProgramWithoutARemark(params string[] options)
    {
        ProgramRun run = await LaunchAsync([.. options, "--", "/bin/sh", "-c", "echo $WORLD_SIZE"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("[rank 0] 2\n[rank 1] 2\n", string.Concat(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).Select(line => line + "\n")));
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Launch_OptionsWithoutAMeaning_ArePassedOverWithANoteEach()
    {
        ProgramRun run = await LaunchAsync("--nproc=1", "--rdzv_conf=timeout=900,keep_alive_interval=5", "--start-method=fork", "--local_addr", "10.0.0.1", "--numa-binding", "node", "--signals-to-handle", "SIGTERM", "--", "/bin/echo", "ran");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("[rank 0] ran\n", run.Output);
        Assert.Equal(
            """
            convoy: keep_alive_interval in --rdzv-conf is passed over: --join-timeout, --last-call and --node-timeout say how long machines wait for each other.
            convoy: --start-method is passed over: every process is a program of its own.
            convoy: --local-addr is passed over: the other machines find this one by --master-addr.
            convoy: --numa-binding is passed over: --pin keeps each process to cores of its own.
            convoy: --signals-to-handle is passed over: SIGINT, SIGTERM and SIGHUP are passed on.

            """,
            run.Error);
    }

    [Theory]
    [InlineData("--rdzv-backend is not known here (etcd). Leave it out, or give c10d or static: the launchers meet at node 0, whose address is --master-addr or --rdzv-endpoint.", "--rdzv_backend=etcd", "--", "true")]
    [InlineData("Python is a program like any other here (-m). Name it after two dashes: convoy launch --nproc 2 -- python3 -m pkg.train --epochs 3.", "--nproc_per_node=2", "-m", "pkg.train", "--epochs", "3")]
    [InlineData("Python is a program like any other here (--run-path). Name it after two dashes: convoy launch --nproc 2 -- python3 /s/train.py.", "--run_path", "--", "/s/train.py")]
    [InlineData("--nproc cannot be counted from GPUs (gpu). Give a number, auto or cpu.", "--nproc_per_node=gpu", "--", "true")]
    [InlineData("unknown option or argument of launch (--nproc_per_nod=2). Did you mean --nproc-per-node?", "--nproc_per_nod=2", "--", "true")]
    [InlineData("unknown option or argument of launch (train.py). Write the program after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.", "--nproc_per_node=2", "train.py", "--lr", "1")]
    public async Task Launch_WhatCannotBePassedOver_IsExplained(string message, params string[] arguments)
    {
        ProgramRun run = await LaunchAsync(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"convoy: error: {message}\n", run.Error);
        Assert.Empty(run.Output);
    }

    private static Task<ProgramRun> LaunchAsync(params string[] arguments) => ProgramRun.ConvoyAsync(["launch", .. arguments]);

    private static IEnumerable<string> Spellings(IEnumerable<string> names) =>
        names.SelectMany(name => (string[])[name, name.StartsWith("--", StringComparison.Ordinal) ? "--" + name[2..].Replace('-', '_') : name]).Distinct();
}
