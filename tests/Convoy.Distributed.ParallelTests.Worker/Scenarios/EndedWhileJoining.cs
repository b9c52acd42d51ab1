using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>EndedWhileJoining SIGNAL</c>: the last rank never comes, and as soon as a rank waits for it with its memory made or mapped, it sends
/// itself a signal: KILL, or TERM, which is to end the wait.
/// </summary>
internal static class EndedWhileJoining
{
    public static void Run(string[] args)
    {
        RankEnvironment environment = RankEnvironment.Read();
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        using Store store = environment.ConnectStore(TimeSpan.FromSeconds(60));
        Task signal = Task.Run(() =>
        {
            store.Wait([.. Enumerable.Range(0, environment.WorldSize - 1).Select(rank => $"shm/reached/{rank}")], TimeSpan.FromSeconds(60));
            using var kill = Process.Start("kill", [$"-{args[0]}", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        });
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromMinutes(30), stop.Token);
        signal.Wait();
    }
}
