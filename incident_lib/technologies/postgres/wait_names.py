"""The names of all wait events of PostgreSQL 13 to 18, by type, without those that extensions add."""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "Activity": (
        "ArchiverMain AutovacuumMain BgwriterHibernate BgwriterMain CheckpointerMain "
        "CheckpointerShutdown IoWorkerMain LogicalApplyMain LogicalLauncherMain "
        "LogicalParallelApplyMain PgStatMain RecoveryWalStream ReplicationSlotsyncMain "
        "ReplicationSlotsyncShutdown SysloggerMain WalReceiverMain WalSenderMain "
        "WalSummarizerWal WalWriterMain"
    ),
    "BufferPin": ("BufferPin"),
    "Client": (
        "ClientRead ClientWrite LibpqwalreceiverConnect LibpqwalreceiverReceive "
        "WaitForStandbyConfirmation WalSenderWaitForWal WalSenderWriteData"
    ),
    "IO": (
        "AioIoCompletion AioIoUringExecution AioIoUringSubmit BasebackupRead BasebackupSync "
        "BasebackupWrite BuffileRead BuffileTruncate BuffileWrite ControlFileRead ControlFileSync "
        "ControlFileSyncUpdate ControlFileWrite ControlFileWriteUpdate CopyFileCopy CopyFileRead "
        "CopyFileWrite DataFileExtend DataFileFlush DataFileImmediateSync DataFilePrefetch "
        "DataFileRead DataFileSync DataFileTruncate DataFileWrite DsmAllocate DsmFillZeroWrite "
        "LockFileAddtodatadirRead LockFileAddtodatadirSync LockFileAddtodatadirWrite "
        "LockFileCreateRead LockFileCreateSync LockFileCreateWrite LockFileRecheckdatadirRead "
        "LogicalChangesRead LogicalChangesWrite LogicalRewriteCheckpointSync "
        "LogicalRewriteMappingSync LogicalRewriteMappingWrite LogicalRewriteSync "
        "LogicalRewriteTruncate LogicalRewriteWrite LogicalSubxactRead LogicalSubxactWrite "
        "RelationMapRead RelationMapReplace RelationMapSync RelationMapWrite ReorderBufferRead "
        "ReorderBufferWrite ReorderLogicalMappingRead ReplicationSlotRead ReplicationSlotRestoreSync "
        "ReplicationSlotSync ReplicationSlotWrite SlruFlushSync SlruRead SlruSync SlruWrite "
        "SnapbuildRead SnapbuildSync SnapbuildWrite TimelineHistoryFileSync TimelineHistoryFileWrite "
        "TimelineHistoryRead TimelineHistorySync TimelineHistoryWrite TwophaseFileRead "
        "TwophaseFileSync TwophaseFileWrite VersionFileSync VersionFileWrite WalBootstrapSync "
        "WalBootstrapWrite WalCopyRead WalCopySync WalCopyWrite WalInitSync WalInitWrite WalRead "
        "WalsenderTimelineHistoryRead WalSummaryRead WalSummaryWrite WalSync WalSyncMethodAssign "
        "WalWrite"
    ),
    "IPC": (
        "AppendReady ArchiveCleanupCommand ArchiveCommand BackendTermination BackupWaitWalArchive "
        "BgworkerShutdown BgworkerStartup BtreePage BufferIo CheckpointDelayComplete "
        "CheckpointDelayStart CheckpointDone CheckpointStart ExecuteGather "
        "HashBatchAllocate HashBatchElect HashBatchLoad HashBuildAllocate HashBuildElect "
        "HashBuildHashInner HashBuildHashOuter HashGrowBatchesAllocate HashGrowBatchesDecide "
        "HashGrowBatchesElect HashGrowBatchesFinish HashGrowBatchesReallocate "
        "HashGrowBatchesRepartition HashGrowBucketsAllocate HashGrowBucketsElect "
        "HashGrowBucketsReallocate HashGrowBucketsReinsert LogicalApplySendData "
        "LogicalParallelApplyStateChange LogicalSyncData LogicalSyncStateChange MessageQueueInternal "
        "MessageQueuePutMessage MessageQueueReceive MessageQueueSend MultixactCreation "
        "ParallelBitmapScan ParallelCreateIndexScan ParallelFinish ProcarrayGroupUpdate "
        "ProcSignalBarrier Promote RecoveryConflictSnapshot "
        "RecoveryConflictTablespace RecoveryEndCommand RecoveryPause ReplicationOriginDrop "
        "ReplicationSlotDrop RestoreCommand SafeSnapshot SyncRep WalReceiverExit "
        "WalReceiverWaitStart WalSummaryReady XactGroupUpdate"
    ),
    "LWLock": (
        "AddinShmemInit AioUringCompletion AioWorkerSubmissionQueue AutoFile Autovacuum "
        "AutovacuumSchedule BackgroundWorker BtreeVacuum BufferContent BufferIO "
        "BufferMapping Checkpoint CheckpointerComm CommitTs CommitTsBuffer CommitTsSLRU "
        "ControlFile DSMRegistry DSMRegistryDSA DSMRegistryHash DynamicSharedMemoryControl "
        "InjectionPoint LockFastPath LockManager LogicalRepLauncherDSA LogicalRepLauncherHash "
        "LogicalRepWorker MultiXactGen MultiXactMemberBuffer MultiXactMemberSLRU "
        "MultiXactOffsetBuffer MultiXactOffsetSLRU MultiXactTruncation NotifyBuffer NotifyQueue "
        "NotifyQueueTail NotifySLRU OidGen OldSnapshotTimeMap ParallelAppend ParallelBtreeScan "
        "ParallelHashJoin ParallelQueryDSA ParallelVacuumDSA PerSessionDSA PerSessionRecordType "
        "PerSessionRecordTypmod PerXactPredicateList PgStatsData PgStatsDSA PgStatsHash "
        "PredicateLockManager ProcArray RelationMapping RelCacheInit ReplicationOrigin "
        "ReplicationOriginState ReplicationSlotAllocation ReplicationSlotControl ReplicationSlotIO "
        "SerialBuffer SerialControl SerializableFinishedList SerializablePredicateList "
        "SerializableXactHash SerialSLRU SharedTidBitmap SharedTupleStore ShmemIndex SInvalRead "
        "SInvalWrite SubtransBuffer SubtransSLRU SyncRep SyncScan TablespaceCreate TwoPhaseState "
        "WaitEventCustom WALBufMapping WALInsert WALSummarizer WALWrite WrapLimitsVacuum XactBuffer "
        "XactSLRU XactTruncation XidGen"
    ),
    "Lock": (
        "advisory applytransaction extend frozenid object page relation spectoken transactionid tuple "
        "userlock virtualxid"
    ),
    "Timeout": (
        "BaseBackupThrottle CheckpointWriteDelay PgSleep RecoveryApplyDelay "
        "RecoveryRetrieveRetryInterval RegisterSyncRequest SpinDelay VacuumDelay VacuumTruncate "
        "WalSummarizerError"
    ),
}
