namespace Convoy.Hosts.Tests;

/// <summary>SLURM on two hosts, for the tests of a class; not started where it cannot be.</summary>
public sealed class SlurmFixture : IAsyncLifetime
{
    private Cluster? _cluster;
    private SlurmController? _slurm;

    /// <summary>The hosts, each with two processors for SLURM.</summary>
    public Cluster Hosts
    {
        get
        {
            Repetitions.RequireAll();
            RequiredParts.Hosts();
            return _cluster!;
        }
    }

    /// <summary>SLURM on them; the test skips where there is none.</summary>
    public SlurmController Slurm
    {
        get
        {
            Repetitions.RequireAll();
            RequiredParts.Hosts();
            Assert.SkipWhen(SlurmController.WhyNot is not null, SlurmController.WhyNot ?? "");
            return _slurm!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Repetitions.All && Cluster.WhyNot is null && SlurmController.WhyNot is null)
        {
            _cluster = Cluster.Start(2);
            _slurm = await SlurmController.StartAsync(_cluster);
        }
    }

    public ValueTask DisposeAsync()
    {
        _cluster?.Dispose();
        return ValueTask.CompletedTask;
    }
}
