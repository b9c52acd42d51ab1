using System.Diagnostics;
using System.Globalization;

namespace Convoy.Cli.Tests;

public sealed class InterruptionTests
{
    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public async Task Token_SignalToThisProcess_IsCancelledAndTheProcessLives(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs POSIX signals.");
        using var interruption = new Interruption(TimeProvider.System);
        var cancelled = new TaskCompletionSource();
        using CancellationTokenRegistration registration = interruption.Token.Register(cancelled.SetResult);

        using Process kill = Process.Start("kill", [$"-{signal}", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.True(interruption.Token.IsCancellationRequested);
    }
}
