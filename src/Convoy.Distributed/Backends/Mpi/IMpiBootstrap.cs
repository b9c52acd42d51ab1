namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What a process brings to MPI's start when no MPI launcher started it: <see cref="ProcessGroupMpi"/> asks it. It may
/// stand in for a launcher's process manager, and have a store that all ranks reach.
/// </summary>
internal interface IMpiBootstrap
{
    /// <summary>The family of libraries that it can start; null: what the environment says.</summary>
    MpiImplementation? Implementation { get; }

    /// <summary>The job's store, which the group closes; null: rank 0 serves one, and tells the others by MPI where.</summary>
    Store? Store { get; }

    /// <summary>Called once, before the library is loaded and MPI initialised: the place to set variables (<see cref="NativeEnvironment"/>) and to start whoever answers the library.</summary>
    void Prepare();
}
