using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public class RankEnvironmentTests
{
    [Fact]
    public void Read_NothingSet_IsAlone() => Assert.Equal(RankEnvironment.Alone, Read());

    [Fact]
    public void Read_TorchrunsVariables_GivesThem() => Assert.Equal(
        new RankEnvironment(3, 8, 1, 2, "10.0.0.1", 29500, "s", true) { Source = "RANK and WORLD_SIZE" },
        Read(("RANK", "3"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2"), ("MASTER_ADDR", "10.0.0.1"), ("MASTER_PORT", "29500"), ("CONVOY_JOB_SECRET", "s"), ("CONVOY_STORE_HOSTED", "1")));

    [Fact]
    public void Read_OnlyWhatIsNeeded_AssumesOneMachine() => Assert.Equal(
        new RankEnvironment(1, 2, 1, 2, "127.0.0.1", 29500, null, false) { Source = "RANK and WORLD_SIZE" },
        Read(("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500")));

    [Theory]
    [InlineData("RANK", "2", "invalid (2; the ranks come from RANK and WORLD_SIZE). Set it to a whole number from 0 to 1")]
    [InlineData("RANK", "-1", "invalid (-1;")]
    [InlineData("RANK", null, "invalid (not set;")]
    [InlineData("WORLD_SIZE", "two", "invalid (two;")]
    [InlineData("WORLD_SIZE", "0", "invalid (0;")]
    [InlineData("MASTER_PORT", null, "invalid (not set;")]
    [InlineData("MASTER_PORT", "70000", "invalid (70000;")]
    [InlineData("LOCAL_WORLD_SIZE", "3", "invalid (3;")]
    [InlineData("CONVOY_STORE_HOSTED", "yes", "invalid (yes;")]
    public void Read_WrongValue_NamesTheVariable(string name, string? value, string expected)
    {
        var variables = new Dictionary<string, string?> { ["RANK"] = "0", ["WORLD_SIZE"] = "2", ["MASTER_PORT"] = "29500", [name] = value };
        string message = Assert.Throws<RendezvousException>(() => RankEnvironment.Read(variables.GetValueOrDefault)).Message;
        Assert.Contains($"environment variable {name} is {expected}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OpenMpi_GivesItsRanksAndTheJobsOwnPort()
    {
        RankEnvironment one = Read(OpenMpi("1", "4001")), two = Read(OpenMpi("2", "4001")), other = Read(OpenMpi("1", "4002"));
        Assert.Equal((1, 4, 1, 4), Place(one));
        Assert.Equal("Open MPI", one.Source);
        Assert.Equal("127.0.0.1", one.MasterAddress);
        Assert.InRange(one.MasterPort, 20000, 32767);
        Assert.Equal((one.MasterPort, one.JobSecret), (two.MasterPort, two.JobSecret));
        Assert.NotEqual(one.JobSecret, other.JobSecret);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("10.0.0.1", null)]
    [InlineData(null, "29500")]
    public void Read_OpenMpiOverMachinesWithoutStore_LeavesItToMpi(string? address, string? port)
    {
        RankEnvironment environment = Read(Last([.. OpenMpi("1", "4001"), ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"), ("MASTER_ADDR", address!), ("MASTER_PORT", port!)]));
        Assert.False(environment.NamesStore);
        Assert.Equal((1, 4, 1, 2), Place(environment));
        string message = Assert.Throws<RendezvousException>(() => environment.ConnectStore()).Message;
        Assert.Equal("environment variable MASTER_PORT is invalid (not set; the ranks come from Open MPI). Give it to all ranks: mpirun -x MASTER_ADDR=host-of-rank-0 -x MASTER_PORT=29500.", message);
    }

    [Fact]
    public void Read_OpenMpiOverMachinesWithStore_GivesIt()
    {
        RankEnvironment environment = Read(Last([.. OpenMpi("1", "4001"), ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"), ("MASTER_ADDR", "10.0.0.1"), ("MASTER_PORT", "29500")]));
        Assert.Equal((true, "10.0.0.1", 29500), (environment.NamesStore, environment.MasterAddress, environment.MasterPort));
    }

    [Fact]
    public void Read_Mpich_GivesItsRanks()
    {
        (string, string)[] variables = [("PMI_RANK", "3"), ("PMI_SIZE", "4"), ("MPI_LOCALRANKID", "1"), ("MPI_LOCALNRANKS", "2")];
        RankEnvironment environment = Read([.. variables, ("MASTER_ADDR", "10.0.0.1"), ("MASTER_PORT", "29500")]);
        Assert.Equal((3, 4, 1, 2), Place(environment));
        Assert.Equal(("MPICH (PMI)", true), (environment.Source, environment.NamesStore));
        Assert.False(Read(variables).NamesStore);
    }

    // Without a process manager's identity not even one machine has a port.
    [Fact]
    public void Read_MpichOnOneMachineWithoutPort_LeavesTheStoreToMpi() =>
        Assert.False(Read(("PMI_RANK", "1"), ("PMI_SIZE", "2"), ("MPI_LOCALRANKID", "1"), ("MPI_LOCALNRANKS", "2")).NamesStore);

    [Theory]
    [InlineData("node[01-04,7]", "node01")]
    [InlineData("node[7,01-04],login", "node7")]
    [InlineData("gpu-3", "gpu-3")]
    [InlineData("login,node[1-2]", "login")]
    [InlineData("rack[2-3]node[08-09].cluster", "rack2node08.cluster")]
    [InlineData("n[5]", "n5")]
    public void Read_SlurmOverMachinesWithoutStore_MeetsAtTheFirstOne(string nodes, string first)
    {
        RankEnvironment one = Read(SlurmStep("0", "0", nodes)), other = Read(SlurmStep("5", "2", nodes));
        Assert.Equal((first, true), (one.MasterAddress, one.NamesStore));
        Assert.InRange(one.MasterPort, 20000, 32767);
        Assert.Equal((one.MasterAddress, one.MasterPort, one.JobSecret), (other.MasterAddress, other.MasterPort, other.JobSecret));
        Assert.NotNull(one.JobSecret);
        Assert.Equal("given", Read([.. SlurmStep("0", "0", nodes), ("CONVOY_JOB_SECRET", "given")]).JobSecret);
    }

    [Fact]
    public void Read_SlurmStepOnOtherMachinesThanTheJob_MeetsAtTheSteps() =>
        Assert.Equal("b3", Read([.. SlurmStep("0", "0", "b[1-4]"), ("SLURM_STEP_NODELIST", "b[3-4]")]).MasterAddress);

    [Theory]
    [InlineData("node[")]
    [InlineData("node[]")]
    [InlineData("node[01-04")]
    [InlineData(",node1")]
    [InlineData("a b")]
    public void Read_SlurmNodeListWrong_AsksForAnAddress(string nodes) => Assert.Contains(
        "MASTER_ADDR is invalid (not set; the ranks come from SLURM)", Assert.Throws<RendezvousException>(() => Read(SlurmStep("0", "0", nodes))).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_IndexedJob_IsOneRankAPod()
    {
        (string, string)[] pod = [("JOB_COMPLETION_INDEX", "2"), ("WORLD_SIZE", "4"), ("MASTER_ADDR", "job-0.job"), ("MASTER_PORT", "29500")];
        RankEnvironment environment = Read(pod);
        Assert.Equal((2, 4, 0, 1), Place(environment));
        Assert.Equal(("job-0.job", "a Kubernetes indexed Job"), (environment.MasterAddress, environment.Source));

        // What convoy launch starts in a pod has ranks of its own.
        Assert.Equal((5, 8, 1, 2), Place(Read([.. Last([.. pod, ("WORLD_SIZE", "8")]), ("RANK", "5"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")])));
        Assert.Equal(RankEnvironment.Alone, Read(("JOB_COMPLETION_INDEX", "2")));
        Assert.Contains("MASTER_ADDR is invalid (not set; the ranks come from a Kubernetes indexed Job)", Assert.Throws<RendezvousException>(() => Read(pod[..2])).Message, StringComparison.Ordinal);
        Assert.Contains("MASTER_PORT is invalid (not set;", Assert.Throws<RendezvousException>(() => Read(pod[..3])).Message, StringComparison.Ordinal);
        Assert.Contains("JOB_COMPLETION_INDEX is invalid (4;", Assert.Throws<RendezvousException>(() => Read(Last([.. pod, ("JOB_COMPLETION_INDEX", "4")]))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "0", "4(x2),3", 4)]
    [InlineData("5", "1", "4(x2),3", 4)]
    [InlineData("9", "2", "4(x2),3", 3)]
    public void Read_Slurm_GivesItsRanks(string rank, string node, string tasks, int localWorldSize)
    {
        RankEnvironment environment = Read([.. Slurm(rank, "11", "1"), ("SLURM_NODEID", node), ("SLURM_TASKS_PER_NODE", tasks), ("MASTER_ADDR", "node1"), ("MASTER_PORT", "29500")]);
        Assert.Equal((int.Parse(rank, System.Globalization.CultureInfo.InvariantCulture), 11, 1, localWorldSize), Place(environment));
        Assert.Equal("SLURM", environment.Source);
    }

    [Fact]
    public void Read_SlurmOnOneMachine_GivesTheJobsOwnPort() =>
        Assert.Equal(Read(Slurm("0", "2", "0")).MasterPort, Read(Slurm("1", "2", "1")).MasterPort);

    [Theory]
    [InlineData("4(x2")]
    [InlineData("many")]
    [InlineData("4(x2)")]
    public void Read_SlurmTasksPerNodeWrong_SaysSo(string tasks) => Assert.Contains(
        $"SLURM_TASKS_PER_NODE is invalid ({tasks};",
        Assert.Throws<RendezvousException>(() => Read([.. Slurm("9", "11", "1"), ("SLURM_NODEID", "2"), ("SLURM_TASKS_PER_NODE", tasks)])).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Read_SlurmBatchScript_IsAlone() => Assert.Equal(RankEnvironment.Alone, Read(("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4"), ("SLURM_LOCALID", "0")));

    [Fact]
    public void Read_MpiexecWithinSlurm_TakesMpiexecs() => Assert.Equal(
        (1, 2, 1, 2),
        Place(Read([.. Slurm("0", "1", "0"), ("PMI_RANK", "1"), ("PMI_SIZE", "2"), ("MPI_LOCALRANKID", "1"), ("MPI_LOCALNRANKS", "2"), ("MASTER_PORT", "29500")])));

    [Fact]
    public void Read_SrunWithPmi_TakesSlurms() => Assert.Equal("SLURM", Read([.. Slurm("1", "2", "1"), ("PMI_RANK", "1"), ("PMI_SIZE", "2")]).Source);

    [Fact]
    public void Read_SeveralLaunchers_TakesTorchruns() => Assert.Equal(
        (0, 2, 0, 2), Place(Read([.. Slurm("7", "8", "7"), .. OpenMpi("3", "1"), ("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500")])));

    [Fact]
    public void Read_TorchrunsOwnStoreHoldsThePort_SaysSo() => Assert.Contains(
        "torchrun's own store holds MASTER_PORT",
        Assert.Throws<RendezvousException>(() => Read(("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500"), ("TORCHELASTIC_USE_AGENT_STORE", "True"))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void ConnectStore_JobStartedAgain_DoesNotSeeTheEarlierKeys()
    {
        using var server = new TcpStoreServer(System.Net.IPAddress.Loopback, 0, "secret");
        (string, string)[] common =
        [
            ("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("CONVOY_JOB_SECRET", "secret"), ("CONVOY_STORE_HOSTED", "1"), ("TORCHELASTIC_RUN_ID", "job"),
        ];
        using Store first = Read([.. common, ("TORCHELASTIC_RESTART_COUNT", "0")]).ConnectStore(TimeSpan.FromSeconds(10));
        using Store second = Read([.. common, ("TORCHELASTIC_RESTART_COUNT", "1")]).ConnectStore(TimeSpan.FromSeconds(10));
        using var whole = new TcpStore("127.0.0.1", server.Port, "secret");
        first.Set("key", "stale");
        Assert.False(second.Contains("key"));
        Assert.Equal("stale", whole.GetText("job/0/key"));
    }

    [Fact]
    public void ToString_WithSecret_KeepsIt() =>
        Assert.DoesNotContain("hidden", Read(("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500"), ("CONVOY_JOB_SECRET", "hidden")).ToString(), StringComparison.Ordinal);

    private static (string Name, string Value)[] OpenMpi(string rank, string job) =>
    [
        ("OMPI_COMM_WORLD_RANK", rank), ("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_LOCAL_RANK", rank), ("OMPI_COMM_WORLD_LOCAL_SIZE", "4"), ("PMIX_NAMESPACE", job),
    ];

    private static (string Name, string Value)[] Slurm(string rank, string size, string localRank) =>
    [
        ("SLURM_PROCID", rank), ("SLURM_NTASKS", size), ("SLURM_LOCALID", localRank), ("SLURM_STEP_ID", "0"), ("SLURM_JOB_ID", "77"),
    ];

    private static (string Name, string Value)[] SlurmStep(string rank, string node, string nodes) =>
        [.. Slurm(rank, "6", "0"), ("SLURM_NODEID", node), ("SLURM_TASKS_PER_NODE", "2(x3)"), ("SLURM_JOB_NODELIST", nodes)];

    private static (int Rank, int WorldSize, int LocalRank, int LocalWorldSize) Place(RankEnvironment environment) =>
        (environment.Rank, environment.WorldSize, environment.LocalRank, environment.LocalWorldSize);

    // Of variables given twice the last counts.
    private static (string Name, string Value)[] Last((string Name, string Value)[] variables) =>
        [.. variables.GroupBy(variable => variable.Name).Select(group => group.Last())];

    private static RankEnvironment Read(params (string Name, string Value)[] variables) =>
        RankEnvironment.Read(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
