namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Lets the ranks of a group wait for each other. A test puts a wrong one in its place, to see that its checks would notice.</summary>
internal interface IBarrier
{
    /// <summary>Returns when all ranks have called it as often as this one.</summary>
    /// <param name="operation">What to call the operation in an error.</param>
    /// <exception cref="Errors.CollectiveTimeoutException">Some ranks did not come.</exception>
    /// <exception cref="Errors.PeerLostException">A rank that has not come ended or left.</exception>
    void Wait(string operation);
}
