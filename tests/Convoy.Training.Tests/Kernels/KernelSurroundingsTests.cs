using Convoy.Training.Kernels;

namespace Convoy.Training.Tests.Kernels;

public sealed class KernelSurroundingsTests
{
    [Fact]
    public void Read_OnOneMachine_IsTheSameAgainAndDiffersByThreadsAndProcesses()
    {
        KernelSurroundings one = KernelSurroundings.Read(threads: 1, processes: 2);

        Assert.Equal(one, KernelSurroundings.Read(1, 2));
        Assert.NotEqual(one, KernelSurroundings.Read(2, 2));
        Assert.NotEqual(one, KernelSurroundings.Read(1, 1));
        Assert.Equal(one with { Threads = 2 }, KernelSurroundings.Read(2, 2));
    }

    [Fact]
    public void Read_ASwitchOfLibtorchsInstructionSets_IsPartOfIt()
    {
        const string Variable = "ONEDNN_MAX_CPU_ISA";
        string? before = Environment.GetEnvironmentVariable(Variable);
        try
        {
            Environment.SetEnvironmentVariable(Variable, null);
            KernelSurroundings all = KernelSurroundings.Read(1, 1);
            Environment.SetEnvironmentVariable(Variable, "AVX2");

            Assert.Equal(all with { Allowed = $"{all.Allowed} {Variable}=AVX2" }, KernelSurroundings.Read(1, 1));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }
}
