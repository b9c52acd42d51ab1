using System.Diagnostics;
using System.Globalization;
using Convoy.Training.Programs;

namespace Convoy.Training.Tests.Programs;

public sealed class InterruptionTests
{
    [Theory]
    [InlineData("TERM", false, 130)]
    [InlineData("HUP", false, 129)]
    [InlineData("TERM", true, 143)]
    [InlineData("HUP", true, 129)]
    public async Task Token_SignalToThisProcess_IsCancelledAndTheProcessLives(string signal, bool isWorker, int code)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs POSIX signals.");
        using var interruption = new Interruption(TimeProvider.System) { IsWorker = isWorker };
        var cancelled = new TaskCompletionSource();
        using CancellationTokenRegistration registration = interruption.Token.Register(cancelled.SetResult);

        using Process kill = Process.Start("kill", [$"-{signal}", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.True(interruption.Token.IsCancellationRequested);
        Assert.Equal(code, interruption.ExitCode);
    }
}
